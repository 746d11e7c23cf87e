/** Whether a source is there, and its objects or their beginnings as local files: a look that is cheap wherever it is. */
import { join, resolve } from 'node:path';
import type { SourceSpec } from '#domain/contracts/pipeline-spec/data.ts';
import { sha256Of } from '../objects/digest.ts';
import { listDirectory } from './directory.ts';
import { endingOf } from './open.ts';
import { parseS3Address, type S3Settings } from './s3-address.ts';

export type Peek = {
  /** Relative to one folder or prefix, in code-unit order; there is at least one. */
  readonly keys: readonly string[];
  /** Where the files lie. */
  readonly folder: string;
  /** More of them take too long. */
  readonly most: number;
  /** A local file that begins as the object does; null where that would mean to bring too much of it here. */
  file(key: string): Promise<string | null>;
  close(): void;
};

export type PeekOptions = {
  /** For what is brought here. */
  readonly folder: string;
  readonly s3: S3Settings;
  /** So much of a text is enough. */
  readonly startBytes: number;
};

/** A column may begin in a later file. More, and a look at a folder of thousands is slow. */
const mostLocal = 16;
/** Each is a question to a store that may be far. */
const mostRemote = 4;
/** Parquet is read from its end, so it comes whole. More, and who plans waits; less, and usual files are not looked into. */
const mostWholeBytes = 33_554_432;

const peekLocal = async (path: string, type: string): Promise<Peek> => {
  const { root, keys } = await listDirectory(path, type);
  return { keys, folder: root, most: mostLocal, file: async (key) => join(root, key), close: () => {} };
};

const peekS3 = async ({ path, type }: SourceSpec, { folder, s3, startBytes }: PeekOptions): Promise<Peek> => {
  const { downloadS3, listS3, openS3 } = await import('./s3-source.ts');
  const client = openS3(s3);
  const close = (): void => client.destroy();
  try {
    const { root, objects } = await listS3(client, path, type);
    const sizes = new Map(objects.map(({ key, bytes }) => [key, bytes]));
    const file = async (key: string): Promise<string | null> => {
      const bytes = sizes.get(key) ?? 0;
      if (type === 'parquet' && bytes > mostWholeBytes) return null;
      const to = join(folder, `peek-${sha256Of(key).slice(0, 24)}${endingOf(key)}`);
      await downloadS3(client, root, key, to, type === 'parquet' || bytes <= startBytes ? null : startBytes);
      return to;
    };
    return { keys: objects.map(({ key }) => key), folder, most: mostRemote, file, close };
  } catch (error) {
    close();
    throw error;
  }
};

/** Throws PRN_SOURCE_MISSING where nothing of the type is there, and PRN_UNREACHABLE. The caller closes it. */
export const peekSource = (source: SourceSpec, pipelineFolder: string, options: PeekOptions): Promise<Peek> =>
  parseS3Address(source.path) === null ? peekLocal(resolve(pipelineFolder, source.path), source.type) : peekS3(source, options);
