/** Fetches the `temporal` program from its makers' download service, as Temporal's SDK does. */
import { execFile } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ReadableStream } from 'node:stream/web';
import { promisify } from 'node:util';
import { z } from 'zod';
import { installProgram } from '../state/programs.ts';

const run = promisify(execFile);

/** The service picks the program that fits this SDK. */
const sdkVersion = '1.24.0';
const serviceUrl = 'https://temporal.download/cli/default';
/** Where nothing answers, a firewall often swallows silently: three seconds are lost once, thirty would be felt. */
const probeMs = 3_000;
/** 40 MB over a slow line. */
const downloadMs = 10 * 60_000;

const answerSchema = z.object({ archiveUrl: z.url(), fileToExtract: z.string().regex(/^[\w.-]+$/) });

export const downloadedBinary = (cacheDir: string): string => join(cacheDir, `temporal-for-sdk-${sdkVersion}`, 'temporal');

const askService = async (service: string): Promise<z.infer<typeof answerSchema> | null> => {
  const url = new URL(service);
  const arch = process.arch === 'x64' ? 'amd64' : process.arch;
  const query = { arch, platform: process.platform, format: 'tar.gz', 'sdk-name': 'sdk-typescript', 'sdk-version': sdkVersion };
  for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
  const answer = await fetch(url, { signal: AbortSignal.timeout(probeMs) }).catch(() => null);
  return answer?.ok ? answerSchema.parse(await answer.json()) : null;
};

export const isServiceReachable = async (): Promise<boolean> => (await askService(serviceUrl).catch(() => null)) !== null;

const fetchFile = async (url: string, file: string): Promise<void> => {
  const answer = await fetch(url, { signal: AbortSignal.timeout(downloadMs) });
  if (!answer.ok || answer.body === null) throw new Error(`"${url}" answers ${answer.status}`);
  await pipeline(Readable.fromWeb(answer.body as ReadableStream), createWriteStream(file));
};

/** Returns the program in the cache; null where the service does not answer. Throws where it answers nonsense or breaks off. */
export const downloadTemporal = async (
  cacheDir: string,
  onProgress: (line: string) => void,
  service: string = serviceUrl,
): Promise<string | null> => {
  const found = await askService(service);
  if (found === null) return null;
  onProgress('Downloading Temporal: there is no `temporal` on the PATH. This happens once; it is about 40 MB');
  return installProgram(downloadedBinary(cacheDir), async (unfinished) => {
    const folder = await mkdtemp(join(tmpdir(), 'perennial-download-'));
    try {
      await fetchFile(found.archiveUrl, join(folder, 'archive.tar.gz'));
      await run('tar', ['-xzf', join(folder, 'archive.tar.gz'), '-C', folder, found.fileToExtract]);
      await chmod(join(folder, found.fileToExtract), 0o755);
      await run('cp', [join(folder, found.fileToExtract), unfinished]);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
};
