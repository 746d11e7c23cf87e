import { statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { loadConfig } from '../../../infra/config.ts';
import {
  type Endpoints,
  forgetEndpoints,
  hintOfInside,
  readEndpoints,
  recordEndpoints,
  resolveEndpoints,
} from '../../../infra/state/endpoints.ts';
import { tryLock, unlock } from '../../../infra/state/up-record.ts';
import { testFolder } from '../../support/servers.ts';

const recorded: Endpoints = {
  databaseUrl: 'postgres://perennial:secret@127.0.0.1:5433/perennial',
  temporalAddress: '127.0.0.1:7300',
  temporalNamespace: 'default',
  temporalUiUrl: 'http://127.0.0.1:8300',
  store: { kind: 'directory', folder: '/data/store' },
  serveUrl: 'http://127.0.0.1:9090',
  controlUrl: 'http://127.0.0.1:9091',
};

const configOf = (environment: Record<string, string> = {}) => {
  const { folder, close } = testFolder();
  onTestFinished(close);
  return loadConfig({ PERENNIAL_STATE_DIR: folder, ...environment });
};

test('gives what a running `up` recorded, and nothing after it stopped', async () => {
  const config = configOf();
  recordEndpoints(config, recorded);
  expect(await resolveEndpoints(config)).toEqual(recorded);
  expect(statSync(join(config.stateDir, 'endpoints.json')).mode & 0o777).toBe(0o600);
  forgetEndpoints(config);
  expect(readEndpoints(config)).toBeNull();
});

test('says what to run or to set where nothing is known', async () => {
  await expect(resolveEndpoints(configOf())).rejects.toMatchObject({
    code: 'PRN_UNREACHABLE',
    message: expect.stringMatching(/run `perennial up`, or set DATABASE_URL and TEMPORAL_ADDRESS$/),
  });
  await expect(resolveEndpoints(configOf({ DATABASE_URL: 'postgres://x' }))).rejects.toThrow(/or set TEMPORAL_ADDRESS$/);
});

test('names what runs from a folder inside, as the demo does, and nothing that ran there once', async () => {
  const config = configOf();
  const inside = join(config.stateDir, 'demo');
  expect(tryLock(inside)).toEqual({ heldBy: null });
  const hint = `what runs from "${inside}" is asked with PERENNIAL_STATE_DIR=${inside}; else run \`perennial up\``;
  await expect(resolveEndpoints(config)).rejects.toThrow(hint);
  unlock(inside);
  expect(hintOfInside(config.stateDir)).toBeNull();
});

test('the environment comes before the record', async () => {
  const config = configOf({
    DATABASE_URL: 'postgres://other/db',
    TEMPORAL_ADDRESS: 'temporal.example:7233',
    PERENNIAL_STORE: '/mine',
  });
  recordEndpoints(config, recorded);
  expect(await resolveEndpoints(config)).toMatchObject({
    databaseUrl: 'postgres://other/db',
    temporalAddress: 'temporal.example:7233',
    temporalUiUrl: null,
    store: { kind: 'directory', folder: '/mine' },
    serveUrl: recorded.serveUrl,
  });
});
