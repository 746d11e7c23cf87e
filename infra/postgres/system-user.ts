/** PostgreSQL refuses to run as root, so root runs it as another user, who must be able to reach its files. */
import { execFileSync } from 'node:child_process';
import { chownSync, lstatSync, mkdirSync, readFileSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { PerennialError } from '#domain/errors.ts';

export type SystemUser = { readonly name: string; readonly uid: number; readonly gid: number };

/** The one that Debian's packages make, where it is there; else one of ours. */
const userNames = ['postgres', 'perennial-postgres'] as const;

const findUser = (name: string): SystemUser | null => {
  const line = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .find((entry) => entry.startsWith(`${name}:`));
  const fields = line?.split(':');
  return fields ? { name, uid: Number(fields[2]), gid: Number(fields[3]) } : null;
};

const createUser = (name: string): SystemUser => {
  try {
    execFileSync('useradd', ['--system', '--user-group', '--no-create-home', '--shell', '/usr/sbin/nologin', name], {
      stdio: 'pipe',
    });
  } catch (cause) {
    throw new PerennialError(
      'PRN_UNREACHABLE',
      `Cannot start PostgreSQL as root as it must run as another user and "useradd ${name}" failed: ` +
        'run Perennial as an ordinary user, or create this user',
      { cause },
    );
  }
  const created = findUser(name);
  if (created === null) throw new PerennialError('PRN_UNREACHABLE', `Cannot find the user "${name}" that was just created`);
  return created;
};

/** Whom PostgreSQL runs as: null is "as ourselves"; as root an existing user, or one that is created now. */
export const postgresUser = (): SystemUser | null => {
  if (process.getuid?.() !== 0) return null;
  for (const name of userNames) {
    const found = findUser(name);
    if (found !== null && found.uid !== 0) return found;
  }
  return createUser(userNames[1]);
};

const mayEnter = (folder: string, user: SystemUser): boolean => {
  const found = statSync(folder, { throwIfNoEntry: false });
  // A folder that does not exist yet will be made by us, open to whom it must be.
  if (found === undefined) return true;
  if (found.uid === user.uid) return (found.mode & 0o100) !== 0;
  if (found.gid === user.gid) return (found.mode & 0o010) !== 0;
  return (found.mode & 0o001) !== 0;
};

/** Whether the user can go through every folder above `path`. */
export const isReachable = (path: string, user: SystemUser): boolean => {
  const parent = dirname(path);
  return parent === path || (mayEnter(parent, user) && isReachable(parent, user));
};

/**
 * Makes a folder below a place that everybody can write to, and refuses one that another user put there before us:
 * its owner could change what we run.
 */
export const makeOwnFolder = (folder: string): void => {
  mkdirSync(folder, { recursive: true, mode: 0o755 });
  const found = lstatSync(folder);
  if (found.isDirectory() && found.uid === process.getuid?.() && (found.mode & 0o022) === 0) return;
  throw new PerennialError(
    'PRN_UNREACHABLE',
    `Cannot use "${folder}" as it belongs to another user or others may write to it: remove it, or set PERENNIAL_STATE_DIR elsewhere`,
  );
};

export const giveTo = (path: string, user: SystemUser | null): void => {
  if (user !== null) chownSync(path, user.uid, user.gid);
};
