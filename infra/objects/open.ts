import type { Config } from '../config.ts';
import { createDirectoryStore } from './directory-store.ts';
import type { ObjectStore } from './store.ts';

/** The store that the settings name. Nothing is read or written until it is used. */
export const openObjectStore = (store: Config['store']): ObjectStore => {
  if (store.kind === 'directory') return createDirectoryStore(store.folder);
  throw new Error('s3');
};
