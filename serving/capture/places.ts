/** Where the log of predictions lies: `<folder>/<safe server id>/<epoch>/<000001>.ndjson`, ".open" behind it while written to. */
import { hash } from 'node:crypto';
import { join } from 'node:path';

const digits = 6;

/** Path of a closed segment, by its number in the epoch. */
export const segmentFile = (epochFolder: string, segment: number): string =>
  join(epochFolder, `${String(segment).padStart(digits, '0')}.ndjson`);

/** What a file of an epoch's folder is; null for all but segments. */
export const segmentOf = (file: string): { readonly segment: number; readonly isOpen: boolean } | null => {
  const match = /^(\d{6,})\.ndjson(\.open)?$/.exec(file);
  return match === null ? null : { segment: Number(match[1]), isOpen: match[2] !== undefined };
};

/** The folder of a server: readable, and another for every id, whatever characters it has. */
export const serverFolder = (folder: string, serverId: string): string => {
  const readable = serverId.replaceAll(/[^A-Za-z0-9.-]/g, '_').slice(0, 80);
  return join(folder, `${readable}-${hash('sha256', serverId).slice(0, 8)}`);
};

const nameEnding = '.server';

/** Beside the folder of a server: holds its id, so that others know whose it is. */
export const nameFile = (folder: string, serverId: string): string => `${serverFolder(folder, serverId)}${nameEnding}`;

/** The folder's name, where a file beside it names its server; null for all else. */
export const serverOfNameFile = (name: string): string | null =>
  name.endsWith(nameEnding) ? name.slice(0, -nameEnding.length) : null;
