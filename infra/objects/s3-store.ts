import { randomUUID } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { rename, unlink } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { DeleteObjectCommand, GetObjectCommand, HeadObjectCommand, paginateListObjectsV2, S3Client } from '@aws-sdk/client-s3';
import { PerennialError } from '#domain/errors.ts';
import { dayMs } from '#domain/units.ts';
import type { Config } from '../config.ts';
import { requireKey, unknownObject } from './failures.ts';
import { hashFile } from './hash-file.ts';
import { explainS3Failure, isContended, isMissing, isTaken } from './s3-failures.ts';
import { abandonOldUploads } from './s3-sweep.ts';
import { type Body, type Place, upload } from './s3-upload.ts';
import type { ObjectInfo, ObjectStore, StoredFile } from './store.ts';

type S3Settings = Extract<Config['store'], { kind: 's3' }>;

/** Conflicts end when the other writer ends; then the key is taken. */
const conflictTries = 20;

const createClient = ({ endpoint, region }: S3Settings): S3Client =>
  new S3Client({
    region,
    ...(endpoint === null ? {} : { endpoint, forcePathStyle: true }),
    // Attempts of the client itself, with back-off; above them Temporal retries the step.
    maxAttempts: 4,
    requestHandler: { connectionTimeout: 5_000, socketTimeout: 60_000 },
  });

class S3Store implements ObjectStore {
  readonly #client: S3Client;
  readonly #settings: S3Settings;
  #hasSwept = false;
  /** The last writer of each key in this process. */
  readonly #writing = new Map<string, Promise<boolean>>();

  constructor(settings: S3Settings) {
    this.#client = createClient(settings);
    this.#settings = settings;
  }

  #place(key: string): Place {
    const { bucket, prefix } = this.#settings;
    return { Bucket: bucket, Key: prefix === '' ? requireKey(key) : `${prefix}/${requireKey(key)}` };
  }

  async #explained<T>(action: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw explainS3Failure(error, action);
    }
  }

  createOnce(key: string, body: Uint8Array | { readonly file: string }): Promise<boolean> {
    return this.#create(key, body instanceof Uint8Array ? body : { file: body.file, sha256: null });
  }

  async createFromFile(file: string, keyOf: Parameters<ObjectStore['createFromFile']>[1]): Promise<StoredFile> {
    const { sha256, bytes } = await hashFile(file);
    return { sha256, bytes, isNew: await this.#create(keyOf(sha256), { file, sha256 }) };
  }

  /** Writers of one key within a process stand in line: the later ones find the object and send nothing. */
  #create(key: string, body: Body): Promise<boolean> {
    this.#sweepOnce();
    const before = this.#writing.get(key) ?? Promise.resolve(false);
    const mine = before
      .catch(() => false)
      .then(() => this.#createNow(key, body))
      .finally(() => {
        if (this.#writing.get(key) === mine) this.#writing.delete(key);
      });
    this.#writing.set(key, mine);
    return mine;
  }

  #createNow(key: string, body: Body): Promise<boolean> {
    const action = `write object "${key}" to bucket "${this.#settings.bucket}"`;
    return this.#explained(action, async () => {
      for (let tries = 1; ; tries += 1) {
        if ((await this.#head(key)) !== null) return false;
        const written = await this.#tryUpload(key, body);
        if (written !== 'contended') return written === 'written';
        if (tries === conflictTries) throw contended(key);
        await delay(Math.random() * 50 * tries);
      }
    });
  }

  /** Beside the first write. Not every role may list uploads; then the bucket's own rules must do it. */
  #sweepOnce(): void {
    if (this.#hasSwept) return;
    this.#hasSwept = true;
    const { bucket, prefix } = this.#settings;
    abandonOldUploads(this.#client, { bucket, prefix: prefix === '' ? '' : `${prefix}/` }, dayMs).catch(() => {});
  }

  async #tryUpload(key: string, body: Body): Promise<'written' | 'taken' | 'contended'> {
    try {
      await upload(this.#client, this.#place(key), body);
      return 'written';
    } catch (error) {
      if (isTaken(error)) return 'taken';
      if (isContended(error)) return 'contended';
      throw error;
    }
  }

  #get(key: string) {
    return this.#explained(`read object "${key}" from bucket "${this.#settings.bucket}"`, async () => {
      try {
        return await this.#client.send(new GetObjectCommand(this.#place(key)));
      } catch (error) {
        throw isMissing(error) ? unknownObject(key, error) : error;
      }
    });
  }

  async read(key: string): Promise<Buffer> {
    const { Body } = await this.#get(key);
    if (!Body) throw unknownObject(key);
    const bytes = await this.#explained(`read object "${key}"`, () => Body.transformToByteArray());
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  async download(key: string, file: string): Promise<void> {
    const { Body } = await this.#get(key);
    if (!Body) throw unknownObject(key);
    const partial = `${file}.${randomUUID()}.partial`;
    try {
      const target = createWriteStream(partial, { flags: 'wx', mode: 0o600 });
      await this.#explained(`read object "${key}"`, () => pipeline(Body as Readable, target));
      await rename(partial, file);
    } catch (error) {
      await unlink(partial).catch(() => {});
      throw error;
    }
  }

  localPath(): null {
    return null;
  }

  stat(key: string): Promise<ObjectInfo | null> {
    return this.#explained(`look for object "${key}" in bucket "${this.#settings.bucket}"`, () => this.#head(key));
  }

  async #head(key: string): Promise<ObjectInfo | null> {
    try {
      const { ContentLength, LastModified } = await this.#client.send(new HeadObjectCommand(this.#place(key)));
      return { key, bytes: ContentLength ?? 0, modifiedAt: LastModified ?? new Date(0) };
    } catch (error) {
      if (isMissing(error)) return null;
      throw error;
    }
  }

  async *list(prefix: string): AsyncIterable<ObjectInfo> {
    const { bucket, prefix: own } = this.#settings;
    const lead = own === '' ? '' : `${own}/`;
    try {
      for await (const page of paginateListObjectsV2({ client: this.#client }, { Bucket: bucket, Prefix: `${lead}${prefix}` })) {
        for (const { Key, Size, LastModified } of page.Contents ?? []) {
          yield { key: (Key ?? '').slice(lead.length), bytes: Size ?? 0, modifiedAt: LastModified ?? new Date(0) };
        }
      }
    } catch (error) {
      throw explainS3Failure(error, `list bucket "${bucket}"`);
    }
  }

  delete(key: string): Promise<void> {
    return this.#explained(`delete object "${key}" from bucket "${this.#settings.bucket}"`, async () => {
      await this.#client.send(new DeleteObjectCommand(this.#place(key)));
    });
  }
}

const contended = (key: string): PerennialError =>
  new PerennialError(
    'PRN_UNREACHABLE',
    `Cannot write object "${key}" as the store reports a conflicting write, ${conflictTries} times`,
  );

/** Objects in a bucket, under a prefix. Credentials come from the default chain of AWS. */
export const createS3Store = (settings: S3Settings): ObjectStore => new S3Store(settings);
