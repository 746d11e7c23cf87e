/**
 * What a server of this folder left for good: it was killed, or stopped while the store was away, and no server of its name
 * came after it. Another one on the folder counts and ships it, in that server's name.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { readdir, readFile, rm, rmdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from '../../infra/telemetry/logger.ts';
import type { CapturePlace, CaptureSink, Shipper } from './deps.ts';
import { nameFile, serverFolder, serverOfNameFile } from './places.ts';
import { recoverEpochs, settleEpoch } from './recover.ts';

export type AdoptDeps = {
  /** Shared by the servers of a machine, or of a volume. */
  readonly folder: string;
  readonly sink: CaptureSink;
  /** How long ago, by the database's clock, a server reported last; null where none of its reports is there. */
  readonly silentMs: (serverId: string) => Promise<number | null>;
  readonly startShipper: (place: CapturePlace) => Shipper;
  readonly log: Logger;
  /** How long a server must be unheard, and its log unwritten, to be known dead. */
  readonly deadAfterMs?: number;
};

/**
 * Servers report each second, and close what they write to each minute. Shorter, and one that the database was away from
 * loses its log to another, which does no harm but work twice; longer, and labels wait for predictions that are there.
 */
const defaultDeadAfterMs = 5 * 60_000;
const lookEveryMs = 60_000;

const namesIn = async (folder: string): Promise<string[]> => {
  try {
    return (await readdir(folder)).toSorted();
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return [];
    throw error;
  }
};

/** When something below a folder was written last; 0 where nothing is there, or goes meanwhile. */
const lastWrittenBelow = async (folder: string): Promise<number> => {
  const epochs = await namesIn(folder);
  const files = await Promise.all(
    epochs.map(async (epoch) => (await namesIn(join(folder, epoch))).map((file) => join(epoch, file))),
  );
  const paths = [...epochs, ...files.flat()].map((path) => join(folder, path));
  const times = await Promise.all(
    paths.map((path) =>
      stat(path).then(
        ({ mtimeMs }) => mtimeMs,
        () => 0,
      ),
    ),
  );
  return Math.max(0, ...times);
};

const isDead = async (deps: AdoptDeps, serverId: string, folder: string, nowMs: number): Promise<boolean> => {
  const deadAfterMs = deps.deadAfterMs ?? defaultDeadAfterMs;
  if (nowMs - (await lastWrittenBelow(folder)) < deadAfterMs) return false;
  const silentMs = await deps.silentMs(serverId);
  return silentMs === null || silentMs >= deadAfterMs;
};

/** Done again after a kill at any point, and by two servers at once, it comes to the same. */
const takeUp = async (deps: AdoptDeps, serverId: string, folder: string, nowMs: number): Promise<void> => {
  const { log, sink, startShipper } = deps;
  log.info({ serverId }, 'Takes up what a server left that is gone');
  const { left } = await recoverEpochs(folder, new Set(), nowMs, log);
  await startShipper({ serverId, serverFolder: folder, epoch: '' }).close();
  for (const epoch of left) await settleEpoch(sink, serverId, epoch, log);
  // Only an empty one goes: what could not be shipped now is taken up at the next look.
  await rmdir(folder).catch(() => {});
};

/** Once for each server of the folder but `own`; what fails for one is tried again at the next look. */
export const adoptLeftLogs = async (deps: AdoptDeps, own: string, nowMs: number): Promise<void> => {
  for (const name of await namesIn(deps.folder)) {
    if (serverOfNameFile(name) === null) continue;
    const file = join(deps.folder, name);
    const serverId = await readFile(file, 'utf8').catch(() => '');
    const folder = serverFolder(deps.folder, serverId);
    if (serverId === '' || serverId === own || nameFile(deps.folder, serverId) !== file) continue;
    try {
      if (!(await isDead(deps, serverId, folder, nowMs))) continue;
      if ((await namesIn(folder)).length > 0) await takeUp(deps, serverId, folder, nowMs);
      else await rm(file, { force: true });
    } catch (err) {
      deps.log.warn({ err, serverId }, 'Cannot take up what a server left now: it stays on disk');
    }
  }
};

/** Names this server's folder for others, and looks each minute for what they left. */
export const startAdopting = (deps: AdoptDeps, own: string): { close(): void } => {
  let running: Promise<void> | null = null;
  const look = (): void => {
    try {
      // Each time: whoever took this server for dead has removed it.
      mkdirSync(deps.folder, { recursive: true });
      writeFileSync(nameFile(deps.folder, own), own);
    } catch (err) {
      deps.log.warn({ err }, 'Cannot name the log of predictions: no other server will take it up');
    }
    running ??= adoptLeftLogs(deps, own, Date.now())
      .catch((err: unknown) => deps.log.warn({ err }, 'Cannot look for what other servers left'))
      .finally(() => {
        running = null;
      });
  };
  look();
  const timer = setInterval(look, lookEveryMs);
  timer.unref();
  return { close: () => clearInterval(timer) };
};
