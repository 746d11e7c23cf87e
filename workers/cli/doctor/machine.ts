/** Checks of the machine itself: Node, Go, Python, OpenMP, a browser, folders. */
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Config } from '../../../infra/config.ts';
import { findProgram } from '../../../infra/state/programs.ts';
import { checkPython } from '../../../infra/trainer/python.ts';
import { type CheckResult, messageOf, missing, nearestExisting, ok, optional } from './check.ts';

const run = promisify(execFile);
const answerOf = async (command: string, ...parameters: string[]): Promise<string> =>
  (await run(command, parameters, { timeout: 20_000 }).catch(() => ({ stdout: '' }))).stdout.trim();

/** First line that runs TypeScript as it is written. */
const oldestNode = [22, 18] as const;

export const checkNode = (): CheckResult => {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const isNew = major > oldestNode[0] || (major === oldestNode[0] && minor >= oldestNode[1]);
  return isNew
    ? ok('node', process.version)
    : missing('node', `${process.version}, not ${oldestNode.join('.')} or newer`, 'npm ci');
};

export const checkGo = async (hasTemporal: boolean): Promise<CheckResult> => {
  const version = (await findProgram('go')) === null ? '' : await answerOf('go', 'env', 'GOVERSION');
  if (version !== '') return ok('go', version);
  const use = hasTemporal ? 'only to build the S3 server of the tests' : 'to build Temporal where no download can be reached';
  return optional('go', `not found; needed ${use}`, 'install Go 1.26 (go.dev/dl)');
};

export const checkTrainerPython = async (config: Config): Promise<CheckResult> => {
  const found = await checkPython(config);
  if (!('problems' in found)) return ok('python', `${found.executable} ${found.version}, with venv and pip`);
  const why = found.problems.length === 0 ? 'no Python on the PATH' : found.problems.join('; ');
  return optional('python', `${why}; LightGBM cannot train, the reference trainer can`, 'apt-get install python3 python3-venv');
};

export const checkOpenMp = async (): Promise<CheckResult> => {
  const listing = `${await answerOf('/sbin/ldconfig', '-p')}\n${await answerOf('ldconfig', '-p')}`;
  const found = /libgomp\.so\.1.*=> (\S+)/.exec(listing)?.[1];
  if (found !== undefined) return ok('openmp', found);
  return optional('openmp', 'no libgomp in the system; the copy that scikit-learn bundles is used', 'apt-get install libgomp1');
};

export const checkBrowser = async (): Promise<CheckResult> => {
  for (const name of ['chromium', 'chromium-browser', 'google-chrome']) {
    const found = await findProgram(name);
    if (found !== null) return ok('chromium', found);
  }
  return optional('chromium', 'not found; needed only by the browser test', 'apt-get install chromium');
};

/** Writes and removes a file in the folder, or where it would be made. Leaves nothing behind. */
export const checkFolder = async (name: string, folder: string, variable: string): Promise<CheckResult> => {
  const file = join(nearestExisting(folder), `.perennial-${randomBytes(6).toString('hex')}`);
  try {
    await writeFile(file, 'x', { flag: 'wx' });
    await rm(file);
    return ok(name, folder);
  } catch (error) {
    return missing(name, `cannot write: ${messageOf(error)}`, `set ${variable} to a folder of yours`);
  }
};
