/** A real S3 server for contract tests: versitygw, built with Go into the cache once. */
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { CreateBucketCommand, ListBucketsCommand, S3Client } from '@aws-sdk/client-s3';
import { loadConfig } from '../../infra/config.ts';
import { findPort } from '../../infra/state/ports.ts';
import { findProgram, installProgram, isExecutable, runGo } from '../../infra/state/programs.ts';
import { type ServerProcess, startServerProcess } from '../../infra/state/server-process.ts';
import { testFolder } from './servers.ts';

const run = promisify(execFile);

const version = '1.7.0';
/** For the hook or test that calls `testS3` first: a cold build takes about a minute alone on two cores. */
export const s3TimeoutMs = 300_000;
const startLimitMs = 30_000;
const pollMs = 25;

export type TestS3 = {
  readonly endpoint: string;
  readonly region: string;
  readonly bucket: string;
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
  close(): Promise<void>;
};

const binaryPath = (): string => join(loadConfig().cacheDir, `versitygw-${version}`, 'versitygw');

/** Why there is no S3 server for the tests; null where one is cached or can be built. On CI a missing one fails the tests. */
export const s3Missing = async (): Promise<string | null> => {
  if (isExecutable(binaryPath()) || loadConfig().isCi) return null;
  return (await findProgram('go')) === null ? 'there is no Go to build versitygw with' : null;
};

const findBinary = async (folder: string): Promise<string> => {
  if (isExecutable(binaryPath())) return binaryPath();
  process.stderr.write(`Building versitygw ${version} with Go for the S3 tests: once, about a minute\n`);
  const bin = join(folder, 'bin');
  await mkdir(bin);
  return installProgram(binaryPath(), async (unfinished) => {
    const program = `github.com/versity/versitygw/cmd/versitygw@v${version}`;
    await runGo(['install', '-v', program], [`GOBIN=${bin}`, 'GOFLAGS='], folder, (line) => process.stderr.write(`${line}\n`));
    await run('cp', [join(bin, 'versitygw'), unfinished]);
  });
};

const launch = async (folder: string, port: number, keys: TestS3['credentials'], extra: string[]): Promise<ServerProcess> =>
  startServerProcess(
    await findBinary(folder),
    // Quiet: one line per request would be the bulk of the log. The temporary upload folder is versitygw's own.
    [
      '--port',
      `127.0.0.1:${port}`,
      '--access',
      keys.accessKeyId,
      '--secret',
      keys.secretAccessKey,
      '--quiet',
      'posix',
      ...extra,
    ].concat(join(folder, 'buckets')),
    { logFile: join(folder, 'versitygw.log'), cwd: folder },
  );

const waitUntilServing = async (server: ServerProcess, client: S3Client): Promise<boolean> => {
  const deadline = performance.now() + startLimitMs;
  while (server.hasEnded() === null && performance.now() < deadline) {
    const answer = await client.send(new ListBucketsCommand({})).catch(() => null);
    if (answer !== null) return true;
    await delay(pollMs);
  }
  return false;
};

/** Extended attributes first; where the file system has none, a folder beside it for the metadata. */
const startServing = async (
  folder: string,
  port: number,
  keys: TestS3['credentials'],
  client: S3Client,
): Promise<ServerProcess> => {
  const first = await launch(folder, port, keys, []);
  if (await waitUntilServing(first, client)) return first;
  await first.stop('SIGTERM', startLimitMs);
  await mkdir(join(folder, 'sidecar'), { recursive: true });
  const second = await launch(folder, port, keys, ['--sidecar', join(folder, 'sidecar')]);
  if (await waitUntilServing(second, client)) return second;
  await second.stop('SIGTERM', startLimitMs);
  throw new Error(`Cannot start versitygw: its log ends with: ${second.logTail()}`);
};

/** Starts an S3 server with one empty bucket. `close` ends it and removes its files. */
export const testS3 = async (): Promise<TestS3> => {
  const { folder, close } = testFolder();
  await mkdir(join(folder, 'buckets'));
  const credentials = { accessKeyId: 'perennial', secretAccessKey: randomBytes(12).toString('hex') };
  const [port, region, bucket] = [await findPort(), 'us-east-1', `perennial-${randomBytes(4).toString('hex')}`];
  const endpoint = `http://127.0.0.1:${port}`;
  const client = new S3Client({ endpoint, region, credentials, forcePathStyle: true, maxAttempts: 1 });
  try {
    const server = await startServing(folder, port, credentials, client);
    await client.send(new CreateBucketCommand({ Bucket: bucket }));
    const end = (): Promise<void> => server.stop('SIGTERM', startLimitMs).finally(close);
    return { endpoint, region, bucket, credentials, close: end };
  } catch (error) {
    close();
    throw error;
  } finally {
    client.destroy();
  }
};
