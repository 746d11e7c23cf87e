import type { Config } from '../config.ts';
import { createDirectoryStore } from './directory-store.ts';
import { createLazyStore } from './lazy-store.ts';
import type { ObjectStore } from './store.ts';

/** The store that the settings name. Nothing is read or written until it is used. */
export const openObjectStore = (store: Config['store']): ObjectStore =>
  store.kind === 'directory'
    ? createDirectoryStore(store.folder)
    : createLazyStore(async () => (await import('./s3-store.ts')).createS3Store(store));
