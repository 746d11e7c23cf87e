import { resolve } from 'node:path';
import type { SourceListing, SourceObjectRef } from '#domain/contracts/dataset.ts';
import type { DataSpec, SourceSpec } from '#domain/contracts/pipeline-spec/data.ts';
import { mapParallel } from '../objects/parallel.ts';
import type { ContentStore } from '../objects/store.ts';
import { openDigestCache } from './digest-cache.ts';
import { listDirectory } from './directory.ts';
import { parseS3Address, type S3Settings } from './s3-address.ts';

export type ListOptions = {
  /** Where digests of unchanged files are remembered, such as `config.cacheDir`. */
  readonly cacheFolder: string;
  readonly s3: S3Settings;
  /** With a store, the objects of `files` sources are copied into it while they are hashed: one read instead of two. */
  readonly content?: ContentStore;
  readonly onProgress?: (done: {
    readonly source: string;
    readonly objects: number;
    readonly of: number;
    readonly bytes: number;
  }) => void;
};

type Found = { readonly path: string; readonly objects: readonly SourceObjectRef[] };

/** Reading is bound by the disk and one core each; more readers than this only compete. */
const readers = 8;

const listLocal = async (name: string, source: SourceSpec, path: string, options: ListOptions): Promise<Found> => {
  const { root, keys } = await listDirectory(path, source.type);
  const cache = await openDigestCache(options.cacheFolder, root);
  const { content } = options;
  const copy = content && source.type === 'files' ? async (file: string) => (await content.putFile(file)).sha256 : undefined;
  let bytesDone = 0;
  let done = 0;
  const objects = await mapParallel(keys, readers, async (key): Promise<SourceObjectRef> => {
    const { sha256, bytes } = await cache.digest(`${root}/${key}`, copy);
    bytesDone += bytes;
    done += 1;
    options.onProgress?.({ source: name, objects: done, of: keys.length, bytes: bytesDone });
    return { source: name, key, bytes, etag: `sha256:${sha256}` };
  });
  await cache.save();
  return { path: root, objects };
};

const listOne = async (name: string, source: SourceSpec, pipelineFolder: string, options: ListOptions): Promise<Found> => {
  if (parseS3Address(source.path) === null) return listLocal(name, source, resolve(pipelineFolder, source.path), options);
  const { listS3, openS3 } = await import('./s3-source.ts');
  const client = openS3(options.s3);
  try {
    const { root, objects } = await listS3(client, source.path, source.type);
    return { path: root, objects: objects.map((object) => ({ source: name, ...object })) };
  } finally {
    client.destroy();
  }
};

/**
 * Lists everything a run would read, with sizes and etags: the fact that a run's identity rests on. Local files are
 * identified by their digests, and files that did not change since the last listing are not read again.
 * Throws PRN_SOURCE_MISSING, PRN_UNREACHABLE.
 */
export const listSources = async (
  data: Pick<DataSpec, 'source' | 'sources'>,
  pipelineFolder: string,
  options: ListOptions,
): Promise<SourceListing> => {
  const all: [string, SourceSpec][] = [
    ['main', data.source],
    ...Object.entries(data.sources).sort(([a], [b]) => (a < b ? -1 : 1)),
  ];
  const sources: Record<string, SourceListing['sources'][string]> = {};
  const objects: SourceObjectRef[] = [];
  for (const [name, source] of all) {
    const found = await listOne(name, source, pipelineFolder, options);
    sources[name] = { type: source.type, path: found.path };
    objects.push(...found.objects);
  }
  return { format: 1, sources, objects };
};
