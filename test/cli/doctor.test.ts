import { execFile } from 'node:child_process';
import { chmodSync, existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, onTestFinished, test } from 'vitest';
import { childEnvironment } from '../../infra/config.ts';
import type { CheckResult } from '../../workers/cli/doctor/check.ts';
import { requirePostgres, requireTemporal, testDatabase, testFolder, testTemporal } from '../support/servers.ts';

const run = promisify(execFile);
const mainFile = fileURLToPath(new URL('../../workers/cli/main.ts', import.meta.url));

type Answer = { readonly exit: number; readonly ok: boolean; of(name: string): CheckResult };

const askDoctor = async (settings: (folder: string) => Record<string, string | null>): Promise<Answer & { stateDir: string }> => {
  const { folder, close } = testFolder();
  onTestFinished(close);
  const stateDir = join(folder, 'state');
  const none = { DATABASE_URL: null, TEMPORAL_ADDRESS: null, PERENNIAL_STORE: null, PERENNIAL_TEMPORAL_BIN: null };
  const env = childEnvironment({ ...none, PERENNIAL_STATE_DIR: stateDir, ...settings(folder) });
  const ended = await run(process.execPath, [mainFile, 'doctor', '--json'], { env }).catch(
    (error: { code: number; stdout: string }) => error,
  );
  const { ok, checks } = JSON.parse(ended.stdout) as { ok: boolean; checks: CheckResult[] };
  const of = (name: string): CheckResult => checks.find((check) => check.name === name) as CheckResult;
  return { exit: 'code' in ended ? ended.code : 0, ok, of, stateDir };
};

test('all that is needed is there where servers answer, and asking leaves nothing behind', async (context) => {
  requirePostgres(context);
  requireTemporal(context);
  const { url, close } = await testDatabase();
  onTestFinished(close);
  const answer = await askDoctor(() => ({ DATABASE_URL: url, TEMPORAL_ADDRESS: testTemporal().address }));
  expect(answer).toMatchObject({ exit: 0, ok: true });
  expect(answer.of('postgres').detail).toMatch(/^version \d+/);
  expect(answer.of('store').state).toBe('ok');
  expect(answer.of('up')).toMatchObject({ state: 'optional', mend: 'perennial up' });
  expect(existsSync(answer.stateDir)).toBe(false);
});

test('names what is missing, each with what mends it, and exits with 3', async () => {
  const answer = await askDoctor((folder) => {
    const old = join(folder, 'temporal');
    writeFileSync(old, "#!/bin/sh\necho 'temporal version 1.2.0 (Server 1.26.2, UI 2.34.0)'\n");
    chmodSync(old, 0o755);
    writeFileSync(join(folder, 'file'), '');
    return {
      PERENNIAL_TEMPORAL_BIN: old,
      DATABASE_URL: 'postgres://nobody@127.0.0.1:1/nothing',
      PERENNIAL_STORE: join(folder, 'file', 'store'),
      PERENNIAL_PYTHON: join(folder, 'no-python'),
    };
  });
  expect(answer).toMatchObject({ exit: 3, ok: false });
  expect(answer.of('temporal')).toMatchObject({ state: 'missing', detail: expect.stringContaining('it is 1.2.0') });
  expect(answer.of('postgres')).toMatchObject({ state: 'missing', mend: expect.stringContaining('DATABASE_URL') });
  expect(answer.of('store')).toMatchObject({ state: 'missing', mend: expect.stringContaining('PERENNIAL_STORE') });
  expect(answer.of('python')).toMatchObject({ state: 'optional', detail: expect.stringContaining('the reference trainer can') });
});
