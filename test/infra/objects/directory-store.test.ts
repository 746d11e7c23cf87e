import { chmod, readdir, readFile, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { createDirectoryStore } from '../../../infra/objects/directory-store.ts';
import { testFolder } from '../../support/servers.ts';
import { describeObjectStore } from './store-contract.ts';

describeObjectStore(
  'a directory',
  async () => {
    const { folder, close } = testFolder();
    const root = join(folder, 'store');
    const staging = join(root, '.staging');
    return {
      settings: { kind: 'directory', folder: root },
      decidesRaces: true,
      longWrite: 600_000_000,
      damage: async (key, bytes) => {
        await chmod(join(root, key), 0o600);
        await writeFile(join(root, key), bytes);
      },
      isBeingWritten: async () => {
        const names = await readdir(staging).catch(() => []);
        const sizes = await Promise.all(
          names.map(async (name) => (await stat(join(staging, name)).catch(() => null))?.size ?? 0),
        );
        return sizes.some((size) => size > 0);
      },
      close: async () => close(),
    };
  },
  60_000,
);

describe('a directory store', () => {
  const { folder, close } = testFolder();
  afterAll(close);

  it('keeps folders and files to itself', async () => {
    const root = join(folder, 'private');
    await createDirectoryStore(root).createOnce('content/ab/abc', Buffer.from('x'));
    const modes = await Promise.all(
      ['', '.staging', 'content', 'content/ab'].map(async (path) => (await stat(join(root, path))).mode & 0o777),
    );
    expect(modes).toEqual([0o700, 0o700, 0o700, 0o700]);
    const object = await stat(join(root, 'content/ab/abc'));
    expect([object.mode & 0o777, object.nlink]).toEqual([0o400, 1]);
  });

  it('does not follow a link in the place of an object', async () => {
    const root = join(folder, 'links');
    const store = createDirectoryStore(root);
    await store.createOnce('a/one', Buffer.from('x'));
    await writeFile(join(folder, 'secret'), 'secret');
    await symlink(join(folder, 'secret'), join(root, 'a', 'link'));
    await expect(store.read('a/link')).rejects.toThrow(/ELOOP|symbolic/);
  });

  it('says that its folder is a file', async () => {
    const root = join(folder, 'file');
    await writeFile(root, '');
    await expect(createDirectoryStore(root).createOnce('a', Buffer.from('x'))).rejects.toMatchObject({
      code: 'PRN_CONFIG_INVALID',
      message: expect.stringContaining('must be a folder'),
    });
  });

  it('clears what writers left that were killed a day ago, and nothing younger', async () => {
    const root = join(folder, 'sweep');
    await createDirectoryStore(root).createOnce('a/one', Buffer.from('x'));
    const [old, young] = [join(root, '.staging', 'old'), join(root, '.staging', 'young')];
    await writeFile(old, 'half');
    await writeFile(young, 'half');
    await utimes(old, new Date(), new Date(Date.now() - 25 * 3_600_000));
    const store = createDirectoryStore(root);
    await expect
      .poll(async () => {
        await store.createOnce('a/two', Buffer.from('x'));
        await store.delete('a/two');
        return await readdir(join(root, '.staging'));
      })
      .toEqual(['young']);
    expect(await readFile(join(root, 'a/one'), 'utf8')).toBe('x');
  });
});
