/**
 * Python environments of trainers: built once into the cache, from hashed requirements, under a name that is the digest of what
 * went in. A build that is interrupted leaves nothing under that name.
 */
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { PerennialError } from '#domain/errors.ts';
import type { Sha256 } from '#domain/units.ts';
import type { Config } from '../config.ts';
import { digestOfJson, sha256Of } from '../objects/digest.ts';
import { withBuildLock } from './build-lock.ts';
import { libraryPath, provideOpenMp } from './openmp.ts';
import { runProgram } from './program.ts';
import { findPython, type Python } from './python.ts';

export { isPythonUsable } from './python.ts';

export type PythonEnvironment = {
  readonly python: string;
  /** Digest of requirements and interpreter version: part of the training key. */
  readonly sha256: Sha256;
  /** What a program in it needs beside the inherited variables. */
  readonly variables: Readonly<Record<string, string>>;
};

export type Requirements = {
  readonly name: string;
  /** A requirements file with hashes. */
  readonly file: string;
  /** A further one, used only where the system has no OpenMP runtime; null where none is needed. */
  readonly openMpFile: string | null;
  /** Modules whose import proves that it works. */
  readonly imports: readonly string[];
};

/** A slow line downloads 90 MB in some minutes; longer than this is a line that hangs. */
const installTimeoutMs = 20 * 60_000;
const importTimeoutMs = 120_000;

type Build = {
  readonly config: Config;
  readonly python: Python;
  readonly requirements: Requirements;
  readonly say: (line: string) => void;
};

const fail = (what: string, tail: string): never => {
  throw new PerennialError(
    'PRN_TRAINER_ENVIRONMENT',
    `Cannot set up the trainer's environment as ${what} must succeed: ${tail.split('\n').slice(-4).join('\n') || 'it said nothing'}`,
  );
};

const announce = (line: string, say: Build['say']): void => {
  const package_ = /^Collecting (\S+)/.exec(line)?.[1];
  if (package_ !== undefined) say(`  fetching ${package_}`);
  if (line.startsWith('Installing collected packages')) say('  installing');
};

/** `--only-binary`: nothing is compiled here. `--require-hashes`: an index cannot give other bytes than were reviewed. */
const install = async ({ config, say }: Build, folder: string, file: string, ...more: string[]): Promise<void> => {
  const options = [
    '--disable-pip-version-check',
    '--no-input',
    '--require-hashes',
    '--only-binary',
    ':all:',
    ...more,
    '-r',
    file,
  ];
  const end = await runProgram(join(folder, 'bin', 'python'), ['-m', 'pip', 'install', ...options], {
    environment: config.installerEnvironment,
    timeoutMs: installTimeoutMs,
    onLine: (line) => announce(line, say),
  });
  if (end.exitCode !== 0) fail(`pip install of ${basename(file)}`, end.errorTail || end.output);
};

const proveImports = async ({ config, requirements }: Build, folder: string): Promise<void> => {
  const environment = { ...config.programEnvironment, ...libraryPath(folder, config.programEnvironment) };
  const program = requirements.imports.map((name) => `import ${name}`).join('\n');
  const end = await runProgram(join(folder, 'bin', 'python'), ['-I', '-c', program], { environment, timeoutMs: importTimeoutMs });
  if (end.exitCode !== 0) fail(`the import of ${requirements.imports.join(', ')}`, end.errorTail);
};

const buildInto = async (build: Build, folder: string): Promise<void> => {
  const { config, python, requirements } = build;
  const made = await runProgram(python.executable, ['-m', 'venv', folder], {
    environment: config.installerEnvironment,
    timeoutMs: importTimeoutMs,
  });
  if (made.exitCode !== 0) fail(`"${python.executable} -m venv"`, made.errorTail || made.output);
  await install(build, folder, requirements.file);
  const { openMpFile } = requirements;
  if (openMpFile !== null) {
    await provideOpenMp(folder, config, () => {
      build.say('  the system has no OpenMP runtime: taking the copy that scikit-learn bundles');
      return install(build, folder, openMpFile, '--no-deps');
    });
  }
  await proveImports(build, folder);
  await writeFile(join(folder, 'ready.json'), `${JSON.stringify({ python: python.version, platform: python.platform })}\n`);
};

const isReady = (folder: string): boolean => existsSync(join(folder, 'ready.json')) && existsSync(join(folder, 'bin', 'python'));

const removeUnfinished = async (folder: string): Promise<void> => {
  const unfinished = (await readdir(dirname(folder))).filter((name) => name.startsWith(`${basename(folder)}.building`));
  for (const name of unfinished) await rm(join(dirname(folder), name), { recursive: true, force: true });
};

const buildOnce = async (build: Build, folder: string): Promise<void> => {
  if (isReady(folder)) return;
  const { requirements, python, say } = build;
  const startedAt = performance.now();
  say(`Setting up the environment of trainer "${requirements.name}" with Python ${python.version}, once (about 90 MB to fetch)`);
  await removeUnfinished(folder);
  const temporary = `${folder}.building-${process.pid}`;
  try {
    await buildInto(build, temporary);
  } catch (error) {
    await rm(temporary, { recursive: true, force: true });
    throw error;
  }
  await rm(folder, { recursive: true, force: true });
  await rename(temporary, folder);
  say(`  ready after ${Math.round((performance.now() - startedAt) / 1000)} s`);
};

const digestOf = async (python: Python, requirements: Requirements): Promise<Sha256> =>
  digestOfJson({
    python: python.version,
    platform: python.platform,
    requirements: sha256Of(await readFile(requirements.file)),
    openMp: requirements.openMpFile === null ? null : sha256Of(await readFile(requirements.openMpFile)),
  });

/**
 * The environment for some requirements, built where it is not in the cache yet; `say` hears why it takes time. Two builders
 * take turns. Throws PRN_TRAINER_ENVIRONMENT with what is missing and how to mend it.
 */
export const preparePythonEnvironment = async (
  config: Config,
  requirements: Requirements,
  say: (line: string) => void = () => {},
): Promise<PythonEnvironment> => {
  const python = await findPython(config);
  const sha256 = await digestOf(python, requirements);
  // The interpreter's path is in the name and not in the digest: the same version elsewhere is the same environment.
  const place = sha256Of(`${sha256} ${python.executable}`).slice(0, 16);
  const folder = join(config.cacheDir, 'trainers', `${requirements.name}-${place}`);
  if (!isReady(folder)) {
    await mkdir(dirname(folder), { recursive: true });
    const onWait = (): void => say('Waiting for another process that sets up the same environment');
    await withBuildLock(`${folder}.lock`, onWait, () => buildOnce({ config, python, requirements, say }, folder));
  }
  return { python: join(folder, 'bin', 'python'), sha256, variables: libraryPath(folder, config.programEnvironment) };
};

export const trainersFolder = resolve(import.meta.dirname, '../../workers/trainers');
const lightGbmFolder = join(trainersFolder, 'lightgbm');

export const prepareLightGbm = (config: Config, say?: (line: string) => void): Promise<PythonEnvironment> =>
  preparePythonEnvironment(
    config,
    {
      name: 'lightgbm',
      file: join(lightGbmFolder, 'requirements.txt'),
      openMpFile: join(lightGbmFolder, 'requirements-openmp.txt'),
      imports: ['lightgbm', 'numpy'],
    },
    say,
  );
