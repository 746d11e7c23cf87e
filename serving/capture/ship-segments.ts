/** The closed segments of a server's log, those of its earlier lives included. */
import { readdir, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { SegmentFile } from '../../infra/capture/convert/protocol.ts';

const segmentName = /^(\d{1,9})\.ndjson$/;

const namesIn = async (folder: string): Promise<string[]> => {
  try {
    return (await readdir(folder)).sort();
  } catch (error) {
    // A server that has answered nothing yet has no folder; an epoch may be done with meanwhile.
    if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return [];
    throw error;
  }
};

/** In the order of epochs and segments. */
export const closedSegments = async (serverFolder: string): Promise<SegmentFile[]> => {
  const found: SegmentFile[] = [];
  for (const epoch of await namesIn(serverFolder)) {
    for (const name of await namesIn(join(serverFolder, epoch))) {
      const segment = segmentName.exec(name)?.[1];
      if (segment !== undefined) found.push({ file: join(serverFolder, epoch, name), epoch, segment: Number(segment) });
    }
  }
  return found;
};

/** Takes an epoch's folder away once nothing is in it. */
export const forgetEpoch = async (serverFolder: string, epoch: string): Promise<void> => {
  try {
    await rmdir(join(serverFolder, epoch));
  } catch (error) {
    if (!['ENOTEMPTY', 'EEXIST', 'ENOENT'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
  }
};
