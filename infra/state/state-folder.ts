/** The state folder: its marker, what lives outside it, and its removal. */
import { chmodSync, existsSync, lstatSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { PerennialError } from '#domain/errors.ts';
import { stateId } from '../config.ts';
import { readJsonFile, writePrivateFile } from './files.ts';

const markerSchema = z.object({ format: z.literal(1), outside: z.array(z.string()) });
const markerFile = (stateDir: string): string => join(stateDir, 'state.json');

const readMarker = (stateDir: string): z.infer<typeof markerSchema> | null => {
  const parsed = markerSchema.safeParse(readJsonFile(markerFile(stateDir)));
  return parsed.success ? parsed.data : null;
};

/** For what PostgreSQL's user could not reach in the state folder; only root needs it. */
export const outsideFolder = (stateDir: string): string => join('/var/tmp', `perennial-${stateId(stateDir)}`);

export const logsFolder = (stateDir: string): string => join(stateDir, 'logs');

/** Makes the folder and marks it as ours. Version control is told to leave it alone: it holds passwords and data. */
export const openStateFolder = (stateDir: string): void => {
  mkdirSync(logsFolder(stateDir), { recursive: true });
  if (readMarker(stateDir) !== null) return;
  // Nobody else may list it; as root, PostgreSQL's user must be able to go through.
  chmodSync(stateDir, process.getuid?.() === 0 ? 0o711 : 0o700);
  writePrivateFile(markerFile(stateDir), JSON.stringify({ format: 1, outside: [] }));
  writeFileSync(join(stateDir, '.gitignore'), '*\n');
};

/** Notes a folder outside, before anything is put there. */
export const noteOutside = (stateDir: string, folder: string): void => {
  const outside = new Set(readMarker(stateDir)?.outside).add(folder);
  writePrivateFile(markerFile(stateDir), JSON.stringify({ format: 1, outside: [...outside] }));
};

const isOurs = (folder: string): boolean =>
  folder.startsWith('/var/tmp/perennial-') && existsSync(folder) && lstatSync(folder).uid === process.getuid?.();

/** Every folder below; links are not followed, as removal does not follow them. One that is gone meanwhile has none. */
const foldersBelow = (folder: string): string[] => {
  const entries = existsSync(folder) ? readdirSync(folder, { withFileTypes: true }) : [];
  const direct = entries.filter((entry) => entry.isDirectory()).map(({ name }) => join(folder, name));
  return direct.flatMap((one) => [...foldersBelow(one), one]);
};

/** State folders inside this one, as the demo's is inside the usual one; those that are inside another come before it. */
export const innerStateFolders = (stateDir: string): string[] =>
  foldersBelow(stateDir).filter((folder) => readMarker(folder) !== null);

const requireMarker = (stateDir: string): z.infer<typeof markerSchema> => {
  const marker = readMarker(stateDir);
  if (marker !== null) return marker;
  throw new PerennialError(
    'PRN_CONFLICT',
    `Cannot remove "${stateDir}" as it must hold the "state.json" of a Perennial state folder: it does not`,
  );
};

/** Throws PRN_CONFLICT for a folder that Perennial did not make; one that is not there passes. */
export const assertRemovable = (stateDir: string): void => {
  if (existsSync(stateDir)) requireMarker(stateDir);
};

/** Removes the folder and what it noted outside; returns what was removed. Refuses a folder that Perennial did not make. */
export const purgeStateFolder = (stateDir: string): string[] => {
  if (!existsSync(stateDir)) return [];
  const folders = [...requireMarker(stateDir).outside.filter(isOurs), stateDir];
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
  return folders;
};
