import type { Config } from '../config.ts';
import { createDirectoryStore } from './directory-store.ts';
import { createS3Store } from './s3-store.ts';
import type { ObjectStore } from './store.ts';

/** The store that the settings name. Nothing is read or written until it is used. */
export const openObjectStore = (store: Config['store']): ObjectStore => {
  return store.kind === 'directory' ? createDirectoryStore(store.folder) : createS3Store(store);
};
