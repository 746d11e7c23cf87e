/** Finds the `temporal` program, or gets it: environment, PATH, cache, download, build. */
import { execFile } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { PerennialError } from '#domain/errors.ts';
import type { Config } from '../config.ts';
import { findProgram, installProgram, isExecutable, runGo } from '../state/programs.ts';
import { withBuildLock } from '../trainer/build-lock.ts';
import { downloadedBinary, downloadTemporal } from './download.ts';

const run = promisify(execFile);

/** The version that is built; `server-build/go.mod` names it too, and a test compares them. */
export const temporalVersion = '1.8.2';
/** Has updates, schedules and worker deployments as we use them. */
const oldestVersion = [1, 5, 1];
/** Of the server inside, for a program that somebody built without a version number. */
const oldestServer = [1, 29, 1];
const newsFlagVersion = [1, 8, 0];
const newsFlagServer = [1, 31, 2];

export type TemporalBinary = { readonly path: string; readonly knowsNewsFlag: boolean };
type Settings = { readonly cacheDir: string; readonly temporal: Pick<Config['temporal'], 'binary'> };
type Progress = (line: string) => void;

const builtBinary = ({ cacheDir }: Settings): string => join(cacheDir, `temporal-${temporalVersion}`, 'temporal');

const isAtLeast = (version: readonly number[], floor: readonly number[]): boolean => {
  const at = floor.findIndex((part, index) => version[index] !== part);
  return at === -1 || (version[at] ?? 0) > (floor[at] ?? 0);
};

const numbers = (text: string | undefined): number[] => (text ?? '').split('.').map(Number);

/** Reads "temporal version 1.8.2 (Server 1.31.2, UI 2.50.1)"; null where the program answers something else. */
const inspect = async (path: string): Promise<{ shown: string; isUsable: boolean; binary: TemporalBinary } | null> => {
  const answer = await run(path, ['--version'], { timeout: 20_000 }).catch(() => null);
  const match = /version (\d+\.\d+\.\d+)(\S*) \(Server (\d+\.\d+\.\d+)/.exec(answer?.stdout ?? '');
  if (match === null) return null;
  const isRelease = match[1] !== '0.0.0';
  const judged = isRelease ? numbers(match[1]) : numbers(match[3]);
  return {
    shown: `${match[1]}${match[2]} (server ${match[3]})`,
    isUsable: isAtLeast(judged, isRelease ? oldestVersion : oldestServer),
    binary: { path, knowsNewsFlag: isAtLeast(judged, isRelease ? newsFlagVersion : newsFlagServer) },
  };
};

const fromSetting = async (path: string): Promise<TemporalBinary> => {
  const found = await inspect(path);
  if (found?.isUsable) return found.binary;
  throw new PerennialError(
    'PRN_CONFIG_INVALID',
    `Cannot use PERENNIAL_TEMPORAL_BIN "${path}" as it must be a \`temporal\` program of version ${oldestVersion.join('.')} or newer: ` +
      (found === null ? 'it does not answer `--version`' : `it is ${found.shown}`),
  );
};

const fromPath = async (onProgress: Progress): Promise<TemporalBinary | null> => {
  const path = await findProgram('temporal');
  if (path === null) return null;
  const found = await inspect(path);
  if (found?.isUsable) return found.binary;
  onProgress(
    `Passing over "${path}": it is ${found?.shown ?? 'not a Temporal program'}, not ${oldestVersion.join('.')} or newer`,
  );
  return null;
};

const fromCache = async (settings: Settings): Promise<TemporalBinary | null> => {
  // A program of ours came here whole and of a known version; running it to ask would cost 0.2 s at each start.
  if (isExecutable(builtBinary(settings))) return { path: builtBinary(settings), knowsNewsFlag: true };
  const downloaded = downloadedBinary(settings.cacheDir);
  return isExecutable(downloaded) ? ((await inspect(downloaded))?.binary ?? null) : null;
};

const fromDownload = async ({ cacheDir }: Settings, onProgress: Progress): Promise<TemporalBinary | null> => {
  try {
    const path = await downloadTemporal(cacheDir, onProgress);
    return path === null ? null : ((await inspect(path))?.binary ?? null);
  } catch (error) {
    onProgress(`Cannot download Temporal: ${error instanceof Error ? error.message : String(error)}`);
    return null;
  }
};

const moduleFolder = fileURLToPath(new URL('server-build', import.meta.url));
const linkerFlags = `-s -w -X github.com/temporalio/cli/internal/temporalcli.Version=${temporalVersion}`;

const build = async (settings: Settings, onProgress: Progress): Promise<void> => {
  onProgress(
    `Building Temporal ${temporalVersion} with Go: there is no \`temporal\` on the PATH and no download can be reached.`,
  );
  onProgress('This happens once; it takes 3 to 5 minutes on two cores, seconds where Go has its packages compiled.');
  const parameters = ['build', '-v', '-trimpath', '-ldflags', linkerFlags];
  await installProgram(builtBinary(settings), (unfinished) =>
    runGo(
      [...parameters, '-o', unfinished, 'github.com/temporalio/cli/cmd/temporal'],
      ['GOFLAGS=-mod=readonly'],
      moduleFolder,
      onProgress,
    ),
  );
};

/** One builds, the others wait for it: two at once would be right too, and take twice as long. */
const fromGo = async (settings: Settings, onProgress: Progress): Promise<TemporalBinary> => {
  const path = builtBinary(settings);
  await mkdir(dirname(path), { recursive: true });
  const onWait = (): void => onProgress('Waiting for another process that builds Temporal');
  await withBuildLock(`${path}.lock`, onWait, async () => {
    if (!isExecutable(path)) await build(settings, onProgress);
  });
  return { path, knowsNewsFlag: true };
};

const noWay = (reason: string): PerennialError =>
  new PerennialError(
    'PRN_UNREACHABLE',
    `Cannot find or get Temporal as ${reason}. Do one of: set TEMPORAL_ADDRESS to a server; put \`temporal\` ` +
      `(${oldestVersion.join('.')} or newer) on the PATH or in PERENNIAL_TEMPORAL_BIN; install Go 1.26; or connect to the internet`,
  );

/** Where a program is already, without getting one; null for nowhere. */
export const lookUpTemporalBinary = async (
  settings: Settings,
  onProgress: Progress = () => {},
): Promise<TemporalBinary | null> =>
  settings.temporal.binary !== null
    ? fromSetting(settings.temporal.binary)
    : ((await fromPath(onProgress)) ?? (await fromCache(settings)));

/**
 * The first of: the setting, the PATH, the cache, a download, a build with Go. Says why it makes one wait. Two
 * processes may do it at once. Throws PRN_UNREACHABLE, with every way out, where nothing works.
 */
export const findTemporalBinary = async (settings: Settings, onProgress: Progress): Promise<TemporalBinary> => {
  const found = (await lookUpTemporalBinary(settings, onProgress)) ?? (await fromDownload(settings, onProgress));
  if (found !== null) return found;
  if ((await findProgram('go')) === null) throw noWay('none is here, none can be downloaded, and there is no Go to build one');
  return fromGo(settings, onProgress).catch((cause: Error) => {
    throw noWay(`the build failed: ${cause.message}`);
  });
};
