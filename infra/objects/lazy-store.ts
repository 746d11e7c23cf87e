import type { ObjectStore } from './store.ts';

/** A store whose driver is opened by its first use: the S3 client costs every start 0.1 s, and most commands need no object. */
export const createLazyStore = (open: () => Promise<ObjectStore>): ObjectStore => {
  let opened: Promise<ObjectStore> | undefined;
  const driver = (): Promise<ObjectStore> => {
    opened ??= open();
    return opened;
  };
  return {
    createOnce: async (key, body) => (await driver()).createOnce(key, body),
    createFromFile: async (file, keyOf) => (await driver()).createFromFile(file, keyOf),
    read: async (key) => (await driver()).read(key),
    download: async (key, file) => (await driver()).download(key, file),
    // Asked at once, so only for drivers that never have one.
    localPath: () => null,
    stat: async (key) => (await driver()).stat(key),
    list: async function* (prefix) {
      yield* (await driver()).list(prefix);
    },
    delete: async (key) => (await driver()).delete(key),
  };
};
