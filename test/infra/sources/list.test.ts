import { mkdirSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sourceListingSchema } from '#domain/contracts/dataset.ts';
import { sha256Of } from '../../../infra/objects/digest.ts';
import { fileFacts, openDigestCache } from '../../../infra/sources/digest-cache.ts';
import { listSources } from '../../../infra/sources/list.ts';
import { createOpenSource } from '../../../infra/sources/open.ts';
import { testFolder, testStore } from '../../support/servers.ts';

const place = testFolder();
const cacheFolder = join(place.folder, 'cache');
const s3 = { endpoint: null, region: 'us-east-1' };
const write = (name: string, text: string): string => {
  const file = join(place.folder, name);
  mkdirSync(join(file, '..'), { recursive: true });
  writeFileSync(file, text);
  return file;
};
const list = (path: string, type: 'csv' | 'files' | 'parquet' | 'ndjson' = 'csv') =>
  listSources({ source: { type, path }, sources: {} }, place.folder, { cacheFolder, s3 });

beforeAll(() => {
  write('lake/b.csv', 'b');
  write('lake/sub/a.csv.gz', 'a');
  write('lake/.hidden.csv', 'h');
  write('lake/readme.txt', 't');
});
afterAll(() => place.close());

describe('listSources()', () => {
  it('lists the files of a type under a folder, by key, with their digests', async () => {
    const listing = sourceListingSchema.parse(await list('lake'));
    expect(listing.sources).toEqual({ main: { type: 'csv', path: join(place.folder, 'lake') } });
    expect(listing.objects).toEqual([
      { source: 'main', key: 'b.csv', bytes: 1, etag: `sha256:${sha256Of('b')}` },
      { source: 'main', key: 'sub/a.csv.gz', bytes: 1, etag: `sha256:${sha256Of('a')}` },
    ]);
    expect((await list('lake', 'files')).objects.map((object) => object.key)).toEqual(['b.csv', 'readme.txt', 'sub/a.csv.gz']);
  });

  it('takes a single file as a source of one object', async () => {
    const listing = await list('lake/b.csv');
    expect(listing.objects).toMatchObject([{ key: 'b.csv' }]);
    const opened = await createOpenSource({ cacheFolder, s3 })(listing.sources['main']?.path as string, 'b.csv', place.folder);
    expect(opened).toEqual({ file: join(place.folder, 'lake/b.csv'), etag: `sha256:${sha256Of('b')}`, bytes: 1 });
  });

  it('lists further sources after the main one', async () => {
    const listing = await listSources(
      { source: { type: 'csv', path: 'lake' }, sources: { notes: { type: 'files', path: 'lake/readme.txt' } } },
      place.folder,
      { cacheFolder, s3 },
    );
    expect(listing.objects.map((object) => [object.source, object.key])).toEqual([
      ['main', 'b.csv'],
      ['main', 'sub/a.csv.gz'],
      ['notes', 'readme.txt'],
    ]);
  });

  it('refuses what is not there, and a folder without files of the type', async () => {
    await expect(list('nowhere')).rejects.toMatchObject({ code: 'PRN_SOURCE_MISSING' });
    await expect(list('lake', 'parquet')).rejects.toMatchObject({
      code: 'PRN_SOURCE_MISSING',
      message: expect.stringContaining('no file of type "parquet"'),
    });
  });

  it('copies files into the store while it hashes them', async () => {
    const stored = testStore();
    await listSources({ source: { type: 'files', path: 'lake' }, sources: {} }, place.folder, {
      cacheFolder: join(place.folder, 'other-cache'),
      s3,
      content: stored.content,
    });
    expect(await stored.content.has(sha256Of('t'))).toBe(true);
    stored.close();
  });

  it('follows a link to a file', async () => {
    write('linked/real.csv', 'x');
    symlinkSync(join(place.folder, 'lake/b.csv'), join(place.folder, 'linked/z.csv'));
    expect((await list('linked')).objects.map((object) => object.etag)).toEqual([
      `sha256:${sha256Of('x')}`,
      `sha256:${sha256Of('b')}`,
    ]);
  });
});

describe('openDigestCache()', () => {
  /** A file that has settled, as every file has a moment after it was written. */
  const settled = async (name: string, text: string): Promise<string> => {
    const file = write(name, text);
    while (Date.now() - (await fileFacts(file)).changedAtMs < 100) await delay(10);
    return file;
  };

  it('does not read a file again that did not change', async () => {
    const file = await settled('cached/a', 'one');
    const first = await openDigestCache(cacheFolder, 'cached');
    expect(await first.digest(file)).toMatchObject({ wasKnown: false });
    await first.save();
    const second = await openDigestCache(cacheFolder, 'cached');
    expect(await second.digest(file)).toEqual({ sha256: sha256Of('one'), bytes: 3, wasKnown: true });
  });

  it('notices a change that keeps size and modification time', async () => {
    const file = await settled('cached/b', 'one');
    const cache = await openDigestCache(cacheFolder, 'cached-b');
    await cache.digest(file);
    await cache.save();
    writeFileSync(file, 'two');
    utimesSync(file, new Date(1_000_000_000_000), new Date(1_000_000_000_000));
    const again = await openDigestCache(cacheFolder, 'cached-b');
    expect(await again.digest(file)).toMatchObject({ sha256: sha256Of('two'), wasKnown: false });
  });

  it('does not remember a file that is still fresh, nor trust a damaged cache', async () => {
    const file = write('cached/c', 'now');
    const cache = await openDigestCache(cacheFolder, 'cached-c');
    await cache.digest(file);
    await cache.save();
    expect(await (await openDigestCache(cacheFolder, 'cached-c')).digest(file)).toMatchObject({ wasKnown: false });
    write(`cache/source-digests/${sha256Of('cached-d').slice(0, 24)}.json`, '{"half');
    expect(await (await openDigestCache(cacheFolder, 'cached-d')).digest(file)).toMatchObject({ sha256: sha256Of('now') });
  });
});
