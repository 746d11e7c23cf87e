/** What every driver of the object store promises, as tests. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { readFile, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Config } from '../../../infra/config.ts';
import { createContentStore } from '../../../infra/objects/content-store.ts';
import { sha256Of } from '../../../infra/objects/digest.ts';
import { hashFile } from '../../../infra/objects/hash-file.ts';
import { objectKeys } from '../../../infra/objects/keys.ts';
import { openObjectStore } from '../../../infra/objects/open.ts';
import type { ObjectInfo, ObjectStore } from '../../../infra/objects/store.ts';
import { testFolder } from '../../support/servers.ts';

export type Bench = {
  readonly settings: Config['store'];
  /**
   * Whether the store itself decides races. versitygw 1.7.0 does not: it looks for the object, then puts its own in
   * place (1 to 11 of 16 writers were told that they were first, in 60 races). All writers of a key write the same
   * bytes, so this costs an upload and nothing else.
   */
  readonly decidesRaces: boolean;
  /** So many that a writer can be caught in the middle. */
  readonly longWrite: number;
  /** Replaces the bytes of an object behind the store's back. */
  damage(key: string, bytes: Buffer): Promise<void>;
  /** Has a writer of this key begun to write, without having ended? */
  isBeingWritten(key: string): Promise<boolean>;
  close(): Promise<void>;
};

const all = async (objects: AsyncIterable<ObjectInfo>): Promise<ObjectInfo[]> => {
  const list: ObjectInfo[] = [];
  for await (const info of objects) list.push(info);
  return list;
};

const codeOf = async (work: Promise<unknown>): Promise<string> =>
  await work.then(
    () => 'no error',
    (error: { code?: string; message: string }) => error.code ?? error.message,
  );

const large = 40 * 1024 * 1024;
const writer = fileURLToPath(new URL('./fixtures/writes-for-long.ts', import.meta.url));

const killWhenBegun = async (child: ChildProcess, hasBegun: () => Promise<boolean>): Promise<unknown[]> => {
  const said: unknown[] = [];
  child.on('message', (message) => said.push(message));
  await vi.waitUntil(hasBegun, { timeout: 30_000, interval: 2 });
  child.kill('SIGKILL');
  await once(child, 'exit');
  return said;
};

export const describeObjectStore = (name: string, open: () => Promise<Bench>, timeoutMs: number): void => {
  describe(name, () => {
    const { folder, close } = testFolder();
    let bench: Bench;
    let store: ObjectStore;
    beforeAll(async () => {
      bench = await open();
      store = openObjectStore(bench.settings);
    }, timeoutMs);
    afterAll(async () => {
      await bench.close();
      close();
    });

    it('creates an object once and keeps the first', async () => {
      expect(await store.createOnce('once/a', Buffer.from('first'))).toBe(true);
      expect(await store.createOnce('once/a', Buffer.from('second'))).toBe(false);
      expect((await store.read('once/a')).toString()).toBe('first');
    });

    it('stores empty objects and small files', async () => {
      const file = join(folder, 'small');
      await writeFile(file, 'from a file');
      expect(await store.createOnce('small/empty', Buffer.alloc(0))).toBe(true);
      expect(await store.createOnce('small/file', { file })).toBe(true);
      expect((await store.read('small/empty')).length).toBe(0);
      expect((await store.read('small/file')).toString()).toBe('from a file');
    });

    const expectWinners = (won: readonly boolean[]): void => {
      const winners = won.filter(Boolean).length;
      expect(winners).toBeGreaterThanOrEqual(1);
      if (bench.decidesRaces) expect(winners).toBe(1);
    };

    it('lets exactly one of 16 writers of a key win', async () => {
      const bodies = Array.from({ length: 16 }, (_, index) => Buffer.alloc(100_000, index));
      const stores = bodies.map(() => openObjectStore(bench.settings));
      for (let race = 0; race < 10; race += 1) {
        const key = `race/${race}`;
        const won = await Promise.all(bodies.map((body, index) => (stores[index] as ObjectStore).createOnce(key, body)));
        expectWinners(won);
        const kept = await store.read(key);
        expect(won[bodies.findIndex((body) => body.equals(kept))]).toBe(true);
        expect(await store.createOnce(key, Buffer.from('late'))).toBe(false);
      }
    });

    it('lets exactly one of 4 writers of a large file win', async () => {
      const file = join(folder, 'race-large');
      await writeFile(file, Buffer.alloc(large, 7));
      const stores = Array.from({ length: 4 }, () => openObjectStore(bench.settings));
      expectWinners(await Promise.all(stores.map((one) => one.createOnce('race/large', { file }))));
      expect((await store.stat('race/large'))?.bytes).toBe(large);
    });

    it('hashes and stores a large file, again without effect', async () => {
      const file = join(folder, 'large');
      const bytes = Buffer.alloc(large + 12_345);
      for (let at = 0; at < bytes.length; at += 997) bytes[at] = at % 251;
      await writeFile(file, bytes);
      const stored = await store.createFromFile(file, objectKeys.content);
      expect(stored).toEqual({ sha256: sha256Of(bytes), bytes: bytes.length, isNew: true });
      expect(await store.createFromFile(file, objectKeys.content)).toEqual({ ...stored, isNew: false });
      const back = join(folder, 'large-back');
      await store.download(objectKeys.content(stored.sha256), back);
      expect((await hashFile(back)).sha256).toBe(stored.sha256);
      expect((await stat(back)).mode & 0o077).toBe(0);
    });

    it('answers for unknown keys', async () => {
      expect(await store.stat('unknown/a')).toBeNull();
      expect(await codeOf(store.read('unknown/a'))).toBe('PRN_NOT_FOUND');
      expect(await codeOf(store.download('unknown/a', join(folder, 'unknown')))).toBe('PRN_NOT_FOUND');
      expect(await codeOf(stat(join(folder, 'unknown')))).toBe('ENOENT');
      await store.delete('unknown/a');
      expect(await all(store.list('unknown/'))).toEqual([]);
    });

    it('lists by prefix in the order of keys', async () => {
      const keys = ['list/b', 'list/a/2', 'list/a/1', 'list/a-b', 'list/a.b', 'list/ab', 'lisu'];
      for (const key of keys) await store.createOnce(key, Buffer.from(key));
      const listed = async (prefix: string) => (await all(store.list(prefix))).map((info) => info.key);
      expect(await listed('list/')).toEqual(['list/a-b', 'list/a.b', 'list/a/1', 'list/a/2', 'list/ab', 'list/b']);
      expect(await listed('list/a')).toEqual(['list/a-b', 'list/a.b', 'list/a/1', 'list/a/2', 'list/ab']);
      expect(await listed('list/a/')).toEqual(['list/a/1', 'list/a/2']);
      const [info] = await all(store.list('list/b'));
      expect(info).toEqual(await store.stat('list/b'));
    });

    it('deletes, after which the key is free', async () => {
      await store.createOnce('delete/a', Buffer.from('old'));
      await store.delete('delete/a');
      expect(await store.stat('delete/a')).toBeNull();
      expect(await store.createOnce('delete/a', Buffer.from('new'))).toBe(true);
    });

    it('refuses keys that are not plain names', async () => {
      for (const key of ['../a', 'a/../b', '/a', 'a//b', 'A', 'a/', '', '.a', 'a/.b', 'a\u0000', 'a b']) {
        await expect(store.read(key)).rejects.toThrow(TypeError);
        await expect(store.createOnce(key, Buffer.from('x'))).rejects.toThrow(TypeError);
        await expect(store.stat(key)).rejects.toThrow(TypeError);
        await expect(store.delete(key)).rejects.toThrow(TypeError);
      }
    });

    it('leaves nothing under the key of a writer that was killed', async () => {
      const file = join(folder, 'killed');
      await writeFile(file, 'killed');
      await truncate(file, bench.longWrite);
      const { sha256 } = await hashFile(file);
      const key = objectKeys.content(sha256);
      const child = fork(writer, [JSON.stringify(bench.settings), file], { execArgv: [] });
      expect(await killWhenBegun(child, () => bench.isBeingWritten(key))).toEqual([]);
      expect(await store.stat(key)).toBeNull();
      expect((await all(store.list('content/'))).map((info) => info.key)).not.toContain(key);
      expect((await store.createFromFile(file, objectKeys.content)).isNew).toBe(true);
      expect((await store.stat(key))?.bytes).toBe(bench.longWrite);
    }, 120_000);

    describe('as content by digest', () => {
      const content = () => createContentStore(store, join(folder, 'cache'));

      it('stores JSON in its canonical form', async () => {
        const sha256 = await content().putJson({ b: 1, a: ['ä', 1.5] });
        expect(sha256).toBe(sha256Of('{"a":["ä",1.5],"b":1}'));
        expect(await content().putJson({ a: ['ä', 1.5], b: 1 })).toBe(sha256);
        expect(await content().getJson(sha256)).toEqual({ a: ['ä', 1.5], b: 1 });
        expect(await content().has(sha256)).toBe(true);
        expect(await content().has(sha256Of('else'))).toBe(false);
      });

      it('stores many files and gives them back as local files', async () => {
        const files = Array.from({ length: 20 }, (_, index) => join(folder, `many-${index % 10}`));
        for (const file of new Set(files)) await writeFile(file, `file ${file}`);
        const stored = await content().putFiles(files);
        expect(stored.map((one) => one.sha256)).toEqual(files.map((file) => sha256Of(`file ${file}`)));
        expect(stored.filter((one) => one.isNew)).toHaveLength(10);
        const local = await Promise.all(stored.map((one) => content().localFile(one.sha256)));
        expect(await readFile(local[3] as string, 'utf8')).toBe(`file ${files[3]}`);
      });

      it('detects damaged bytes, however they are read', async () => {
        const sha256 = await content().putBytes(Buffer.from('precious'));
        await bench.damage(objectKeys.content(sha256), Buffer.from('precioux'));
        expect(await codeOf(content().getBytes(sha256))).toBe('PRN_OBJECT_CORRUPT');
        expect(await codeOf(content().getJson(sha256))).toBe('PRN_OBJECT_CORRUPT');
        expect(await codeOf(content().localFile(sha256))).toBe('PRN_OBJECT_CORRUPT');
      });

      it('detects damage after a local file was verified', async () => {
        const kept = content();
        const sha256 = await kept.putBytes(Buffer.from('verified once'));
        const file = await kept.localFile(sha256);
        expect(await kept.localFile(sha256)).toBe(file);
        await bench.damage(objectKeys.content(sha256), Buffer.from('verified 0nce'));
        const again = kept.localFile(sha256);
        // A driver with a cache has a whole copy of its own; one without must see the damage.
        if (store.localPath('a') === null) expect(await readFile(await again, 'utf8')).toBe('verified once');
        else expect(await codeOf(again)).toBe('PRN_OBJECT_CORRUPT');
      });

      it('says what is not there', async () => {
        const unknown = sha256Of('never stored');
        expect(await codeOf(content().getBytes(unknown))).toBe('PRN_NOT_FOUND');
        expect(await codeOf(content().localFile(unknown))).toBe('PRN_NOT_FOUND');
      });
    });
  });
};
