import { existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { PerennialError } from '#domain/errors.ts';
import { type Config, loadConfig } from '../../../infra/config.ts';
import { withBuildLock } from '../../../infra/trainer/build-lock.ts';
import { isPythonUsable, preparePythonEnvironment } from '../../../infra/trainer/environment.ts';
import { findPython } from '../../../infra/trainer/python.ts';
import { resolveTrainer } from '../../../infra/trainer/resolve.ts';

let folder: string;
let config: Config;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'perennial-environment-'));
  config = { ...loadConfig(), cacheDir: join(folder, 'cache') };
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const usable = await isPythonUsable(loadConfig());
const failure = (work: Promise<unknown>): Promise<PerennialError> =>
  work.then(
    () => expect.fail('must throw'),
    (error) => error,
  );

const program = async (name: string, text: string): Promise<string> => {
  const file = join(folder, name);
  await writeFile(file, `#!/bin/sh\n${text}\n`);
  await chmod(file, 0o755);
  return file;
};
const answer = (version: string, missing = '[]', freeThreaded = false): string =>
  `echo '${JSON.stringify({ executable: '/x', platform: 'linux', freeThreaded })}' | sed 's/}$/,"version":${version},"missing":${missing}}/'`;

describe('findPython()', () => {
  test.each([
    ['is not there', null, /"\/nowhere\/python": spawn \/nowhere\/python ENOENT/],
    ['is too old', answer('[3,9,2]'), /it is Python 3\.9\.2: at least 3\.10 is needed/],
    [
      'lacks venv',
      answer('[3,11,2]', '["venv","ensurepip"]'),
      /its Python 3\.11\.2 lacks venv and ensurepip: .* install python3-venv/,
    ],
    ['is a free-threaded build', answer('[3,13,0]', '[]', true), /is a free-threaded build/],
    ['is no Python', 'echo hello', /it does not answer as Python does/],
    ['fails', 'echo "no such version" >&2; exit 3', /no such version/],
  ])('says what to do where the Python that is named %s', async (_, text, says) => {
    const python = text === null ? '/nowhere/python' : await program('python', text);
    const error = await failure(findPython({ ...config, python }));
    expect(error.code).toBe('PRN_TRAINER_ENVIRONMENT');
    expect(error.message).toMatch(says);
    expect(error.message).toMatch(/or set training\.trainer to "reference", which needs none$/);
    expect(await isPythonUsable({ ...config, python })).toBe(false);
  });

  test('takes none for usable where the PATH holds none', async () => {
    const nothing = { ...config, python: null, programEnvironment: { PATH: folder } };
    expect(await isPythonUsable(nothing)).toBe(false);
    expect((await failure(findPython(nothing))).message).toMatch(/none is on the PATH/);
  });
});

describe.skipIf(!usable)('preparePythonEnvironment()', () => {
  const requirements = async (text: string) => {
    const file = join(folder, 'requirements.txt');
    await writeFile(file, text);
    return { name: 'tiny', file, openMpFile: null, imports: ['json'] };
  };

  test('builds once where many ask at the same time, and reuses it', async () => {
    const said: string[] = [];
    const wanted = await requirements('# nothing\n');
    const ask = () => preparePythonEnvironment(config, wanted, (line) => said.push(line));
    const [one, other] = await Promise.all([ask(), ask()]);
    expect(other).toEqual(one);
    expect(said.filter((line) => line.startsWith('Setting up'))).toHaveLength(1);
    expect(await ask()).toEqual(one);
    expect(existsSync(one.python)).toBe(true);
    expect((await readdir(join(config.cacheDir, 'trainers'))).filter((name) => /building|lock/.test(name))).toEqual([]);
  }, 120_000);

  test('leaves nothing under its name where a package cannot be had, and says which file', async () => {
    const wanted = await requirements(`no-such-package-perennial==1.0 --hash=sha256:${'0'.repeat(64)}\n`);
    const offline = {
      ...config,
      installerEnvironment: { ...config.installerEnvironment, PIP_NO_INDEX: '1', PIP_FIND_LINKS: '' },
    };
    const error = await failure(preparePythonEnvironment(offline, wanted));
    expect(error.code).toBe('PRN_TRAINER_ENVIRONMENT');
    expect(error.message).toMatch(/as pip install of requirements\.txt must succeed: /);
    expect(await readdir(join(config.cacheDir, 'trainers'))).toEqual([]);
  }, 120_000);
});

test('withBuildLock() passes over the lock of a process that is dead', async () => {
  const file = join(folder, 'lock');
  await writeFile(file, JSON.stringify({ pid: 2 ** 22 + 1, startedAt: '1' }));
  expect(
    await withBuildLock(
      file,
      () => {},
      async () => 'built',
    ),
  ).toBe('built');
  expect(existsSync(file)).toBe(false);
});

describe('resolveTrainer()', () => {
  const own = async (name: string, trainer: unknown, files: Record<string, string> = {}): Promise<void> => {
    await mkdir(join(folder, name), { recursive: true });
    const text = typeof trainer === 'string' ? trainer : JSON.stringify(trainer);
    for (const [file, content] of Object.entries({ 'trainer.json': text, ...files }))
      await writeFile(join(folder, name, file), content);
  };

  test('launches a trainer of one’s own with paths in its folder, and digests all its files', async () => {
    const trainer = { format: 1, command: ['node', './train.mjs', '--fast'], environment: { MODE: 'x' } };
    await own('mine', trainer, { 'train.mjs': 'one' });
    const resolve = resolveTrainer(config);
    const before = await resolve('./mine', folder);
    expect(before).toMatchObject({
      name: 'mine',
      command: process.execPath,
      arguments: [join(folder, 'mine', 'train.mjs'), '--fast'],
      environment: { MODE: 'x' },
    });
    await own('mine', trainer, { 'train.mjs': 'two' });
    expect((await resolve('./mine', folder)).codeSha256).not.toBe(before.codeSha256);
  });

  test.each([
    ['no JSON', '{', /its trainer\.json must be JSON/],
    ['an unknown field', { format: 1, command: ['x'], gpu: true }, /its trainer\.json is wrong at "": .*gpu/],
    ['no command', { format: 1, command: [] }, /is wrong at "command"/],
    [
      'two environments',
      { format: 1, command: ['python'], requirements: 'r.txt', extends: 'lightgbm' },
      /is wrong at "extends": must not stand beside requirements/,
    ],
  ])('refuses a trainer.json with %s', async (_, trainer, says) => {
    await own('mine', trainer);
    const error = await failure(resolveTrainer(config)('./mine', folder));
    expect(error.code).toBe('PRN_TRAINER_UNKNOWN');
    expect(error.message).toMatch(says);
  });
});
