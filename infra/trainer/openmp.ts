/** LightGBM needs OpenMP's runtime library, which a bare system lacks. scikit-learn's wheel bundles one; it is linked under its usual name. */
import { existsSync } from 'node:fs';
import { mkdir, readdir, symlink } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { PerennialError } from '#domain/errors.ts';
import type { Config } from '../config.ts';
import { runProgram } from './program.ts';

const isMac = process.platform === 'darwin';
const libraryName = isMac ? 'libomp.dylib' : 'libgomp.so.1';
const pathVariable = isMac ? 'DYLD_LIBRARY_PATH' : 'LD_LIBRARY_PATH';
const libraryFolder = (environment: string): string => join(environment, 'openmp');

/** The variable that lets the loader find the linked copy; nothing where the system's own is used. */
export const libraryPath = (environment: string, inherited: Readonly<Record<string, string>>): Record<string, string> => {
  if (!existsSync(libraryFolder(environment))) return {};
  const before = inherited[pathVariable];
  return { [pathVariable]: before === undefined ? libraryFolder(environment) : `${libraryFolder(environment)}:${before}` };
};

const systemHasIt = async (environment: string, config: Config): Promise<boolean> => {
  const end = await runProgram(join(environment, 'bin', 'python'), ['-I', '-c', `import ctypes; ctypes.CDLL("${libraryName}")`], {
    environment: config.programEnvironment,
    timeoutMs: 20_000,
  });
  return end.exitCode === 0;
};

const findBundled = async (environment: string): Promise<string | undefined> => {
  const files = await readdir(join(environment, 'lib'), { recursive: true });
  return files.find((file) =>
    (isMac ? /sklearn\/\.dylibs\/libomp\.dylib$/ : /scikit_learn\.libs\/libgomp[^/]*\.so[.\d]*$/).test(file),
  );
};

/** Makes OpenMP's runtime available to an environment; `installBundle` brings scikit-learn where it is needed. */
export const provideOpenMp = async (environment: string, config: Config, installBundle: () => Promise<void>): Promise<void> => {
  if (await systemHasIt(environment, config)) return;
  await installBundle();
  const bundled = await findBundled(environment);
  if (bundled === undefined) {
    throw new PerennialError(
      'PRN_TRAINER_ENVIRONMENT',
      `Cannot set up the trainer's environment as "${libraryName}" must be in the system or in scikit-learn's wheel: it is in neither. ` +
        (isMac ? 'Install libomp' : 'Install libgomp1'),
    );
  }
  await mkdir(libraryFolder(environment), { recursive: true });
  const folder = libraryFolder(environment);
  await symlink(relative(folder, join(environment, 'lib', bundled)), join(folder, libraryName));
};
