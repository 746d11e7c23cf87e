/** `perennial models`, as a program and against a real database and store. */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createContentStore } from '../../infra/objects/content-store.ts';
import { sha256Of } from '../../infra/objects/digest.ts';
import { openObjectStore } from '../../infra/objects/open.ts';
import { createDefinitions } from '../../infra/postgres/definitions.ts';
import { openDatabase } from '../../infra/postgres/pool.ts';
import { createRegistry } from '../../infra/postgres/registry.ts';
import { loadServedModel } from '../../serving/model/served-model.ts';
import { compareOnSameRows, compareVersions } from '../../workers/cli/models/compare-versions.ts';
import type { EvaluationReport } from '../../workflows/domain/contracts/evaluation-report.ts';
import type { ModelVersion } from '../../workflows/domain/contracts/model-version.ts';
import type { PipelineName, Sha256 } from '../../workflows/domain/units.ts';
import { bytesOf, columnInputs, labelAndProbabilities, logisticModel } from '../infra/onnx/tiny-models.ts';
import { testDatabase, testFolder } from '../support/servers.ts';

const launcher = resolve(import.meta.dirname, '../../workers/cli/perennial');
const churn = 'churn' as PipelineName;
const columns = {
  tenure: { type: 'integer', unit: 'months', min: 0, max: 100 },
  charges: { type: 'number' },
  churned: { type: 'boolean' },
};

const openWorld = async () => {
  const [database, { folder, close }] = [await testDatabase(), testFolder()];
  const opened = openDatabase(database.url);
  const file = { name: churn, data: { source: 'customers.csv', label: 'churned', columns }, gate: { metric: 'roc_auc' } };
  await createDefinitions(opened.db).apply(churn, null, file, sha256Of('definition'), 'c0ffee', 'ada');
  const store = { kind: 'directory', folder: join(folder, 'store') } as const;
  const perennial = (...words: string[]) =>
    spawnSync(launcher, ['models', ...words], {
      cwd: folder,
      encoding: 'utf8',
      env: {
        PATH: process.env.PATH,
        HOME: folder,
        NO_COLOR: '1',
        DATABASE_URL: database.url,
        PERENNIAL_STORE: store.folder,
        PERENNIAL_STATE_DIR: join(folder, 'state'),
        TEMPORAL_ADDRESS: '127.0.0.1:1',
      },
    });
  const write = (name: string, content: string | Uint8Array): string => {
    writeFileSync(join(folder, name), content);
    return name;
  };
  return {
    perennial,
    write,
    registry: createRegistry(opened.db),
    content: createContentStore(openObjectStore(store), join(folder, 'cache')),
    close: async () => {
      await opened.close();
      await database.close();
      close();
    },
  };
};

let world: Awaited<ReturnType<typeof openWorld>>;
beforeEach(async () => {
  world = await openWorld();
});
afterEach(() => world.close());

const lines = (text: string): string[] => text.trim().split('\n');

describe('perennial models import', () => {
  test('makes a foreign model the first champion, ready to be served', async () => {
    const file = world.write('churn.onnx', bytesOf(logisticModel([0.1, -0.2])));
    const golden = world.write(
      'rows.json',
      JSON.stringify([{ features: { tenure: 10, charges: 2 }, answer: 1 / (1 + Math.exp(-0.6)) }]),
    );
    const { status, stdout, stderr } = world.perennial('import', file, '--pipeline', churn, '--golden', golden, '--json');
    expect(stderr).toBe('');
    expect(status).toBe(0);
    const imported = JSON.parse(stdout) as { modelSha256: Sha256 };
    expect(imported).toMatchObject({ pipeline: churn, version: 1, generation: 1, features: ['tenure', 'charges'], warnings: [] });
    expect(await world.registry.champion(churn)).toMatchObject({
      version: 1,
      trainer: 'import',
      snapshotSha256: null,
      profileSha256: null,
      runKey: null,
    });
    const served = await loadServedModel(world.content, churn, { modelSha256: imported.modelSha256, profileSha256: null });
    expect(served.parse({ tenure: 10, charges: 2 }, 0)).toHaveProperty('row');
    const [answer] = await served.predict([{ tenure: 10, charges: 2 }], () => () => undefined);
    expect(answer).toMatchObject({ prediction: true, probability: expect.closeTo(0.6457, 4) });
    await served.retire();
  });

  test('is the same import again, and refuses another one unless forced', async () => {
    const first = world.write('a.onnx', bytesOf(logisticModel([0.1, -0.2])));
    const second = world.write('b.onnx', bytesOf(logisticModel([0.3, -0.2])));
    expect(world.perennial('import', first, '--pipeline', churn).status).toBe(0);
    expect(world.perennial('import', first, '--pipeline', churn).stdout).toContain('version 1');
    const refused = world.perennial('import', second, '--pipeline', churn);
    expect(refused.status).toBe(5);
    expect(refused.stderr).toContain('version 1 serves; --force replaces it without a comparison');
    expect(world.perennial('import', second, '--pipeline', churn, '--force').stdout).toContain('version 2');
    expect(await world.registry.list(churn)).toMatchObject([
      { version: 2, stage: 'champion' },
      { version: 1, stage: 'retired' },
    ]);
  });

  test('takes names from the inputs, and the task from an option', async () => {
    const file = world.write('m.onnx', bytesOf(columnInputs()));
    const { status, stdout } = world.perennial('import', file, '--pipeline', churn, '--task', 'regression', '--json');
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ features: ['tenure', 'visits'] });
  });

  test('says what is missing: classes, names, a pipeline, a file', () => {
    const three = world.write('three.onnx', bytesOf(labelAndProbabilities()));
    expect(world.perennial('import', three, '--pipeline', churn).stderr).toContain('name them with --classes');
    expect(world.perennial('import', three, '--pipeline', churn, '--classes', 'a,b,c').status).toBe(0);
    const five = world.write('five.onnx', bytesOf(logisticModel([1, 1, 1, 1, 1])));
    expect(world.perennial('import', five, '--pipeline', churn).stderr).toContain('name each with --features');
    expect(world.perennial('import', five, '--pipeline', 'nobody')).toMatchObject({ status: 4 });
    expect(world.perennial('import', 'nothing.onnx', '--pipeline', churn)).toMatchObject({ status: 4 });
  });

  test('refuses a model that answers otherwise than the team says, naming row and output', () => {
    const file = world.write('churn.onnx', bytesOf(logisticModel([0.1, -0.2])));
    const golden = world.write(
      'rows.json',
      JSON.stringify([
        { features: [0, 0], answer: 0.5 },
        { features: [1, 0], answer: [0.9] },
      ]),
    );
    const { status, stderr } = world.perennial('import', file, '--pipeline', churn, '--golden', golden);
    expect(status).toBe(3);
    expect(stderr).toMatch(/golden row 1, output 0 must be 0\.9 within 0\.0001: it is 0\.52/);
  });

  test('refuses golden rows that do not fit, and files that are no models', () => {
    const file = world.write('churn.onnx', bytesOf(logisticModel([0.1, -0.2])));
    const golden = (content: string) =>
      world.perennial('import', file, '--pipeline', churn, '--golden', world.write('rows.json', content));
    expect(golden('[{"features": {"tenure": 1}, "answer": 1}]').stderr).toContain('must have the feature "charges"');
    expect(golden('[]').status).toBe(2);
    expect(golden('{').status).toBe(2);
    const pickle = world.write('model.onnx', Uint8Array.of(0x80, 4, 0x95));
    expect(world.perennial('import', pickle, '--pipeline', churn)).toMatchObject({
      status: 3,
      stderr: expect.stringContaining('Python pickle'),
    });
  });
});

describe('perennial models list, show, diff', () => {
  test('tell what there is and what changed', () => {
    world.perennial('import', world.write('a.onnx', bytesOf(logisticModel([0.1, -0.2]))), '--pipeline', churn);
    world.perennial('import', world.write('b.onnx', bytesOf(logisticModel([0.3, -0.2]))), '--pipeline', churn, '--force');
    const list = lines(world.perennial('list', churn).stdout);
    expect(list).toHaveLength(3);
    expect(list[1]).toMatch(/^churn +2 +champion/);
    expect(JSON.parse(world.perennial('list', '--json').stdout).models).toHaveLength(2);
    const shown = world.perennial('show', churn).stdout;
    expect(shown).toMatch(/^ {2}takes {7}tenure: number, months, at least 0, at most 100.*\n {14}charges: number/m);
    expect(shown).toContain('onnx        takes features float32[n, 2]');
    expect(JSON.parse(world.perennial('show', churn, '1', '--json').stdout)).toMatchObject({
      version: 1,
      package: { positiveClass: 'true' },
    });
    const diff = world.perennial('diff', churn, '1', '2').stdout;
    const [second, first] = JSON.parse(world.perennial('list', churn, '--json').stdout).models;
    expect(diff).toMatch(new RegExp(`^model +${first.modelSha256.slice(0, 12)} +${second.modelSha256.slice(0, 12)}$`, 'm'));
    expect(diff).toMatch(/^its onnx file +[0-9a-f]{12} +[0-9a-f]{12}$/m);
    expect(diff).toMatch(/^parameter file +"a\.onnx" +"b\.onnx"$/m);
    expect(diff).toContain('same: data, features, profile, definition, code, trainer');
  });

  test('an unknown version is not found, with the command that lists them', () => {
    for (const asked of ['champion', '7', 'x']) {
      const { status, stderr } = world.perennial('show', churn, asked);
      expect(status).toBe(4);
      expect(stderr).toContain('perennial models list churn');
    }
    expect(world.perennial('list', churn).stdout).toContain('No model versions of "churn"');
  });
});

describe('compareVersions()', () => {
  const version = (parts: object): ModelVersion =>
    ({
      pipeline: churn,
      version: 1,
      snapshotSha256: null,
      featureSetSha256: 'f',
      profileSha256: null,
      definitionSha256: null,
      codeVersion: 'c',
      trainer: 't',
      onnxSha256: 'o',
      parameters: {},
      metrics: {},
      ...parts,
    }) as never;

  test('sees parameters and metrics one by one, and what only one version has', () => {
    const diff = compareVersions(
      version({ parameters: { rate: 0.1, depth: 3 }, metrics: { roc_auc: 0.7, f1: 0.5 } }),
      version({ parameters: { rate: 0.2, trees: [1] }, metrics: { roc_auc: 0.75 }, snapshotSha256: 'a'.repeat(64) }),
    );
    expect(diff.changes).toEqual([
      { what: 'data', from: null, to: 'aaaaaaaaaaaa' },
      { what: 'parameter depth', from: '3', to: null },
      { what: 'parameter rate', from: '0.1', to: '0.2' },
      { what: 'parameter trees', from: null, to: '[1]' },
    ]);
    expect(diff.metrics).toEqual([
      { name: 'f1', from: 0.5, to: null, difference: null },
      { name: 'roc_auc', from: 0.7, to: 0.75, difference: expect.closeTo(0.05, 12) },
    ]);
  });

  test('takes the gate for the same rows only where it compared these two', () => {
    const evaluation = {
      rows: 300,
      candidate: { roc_auc: 0.7343 },
      champion: { version: 1, metrics: { roc_auc: 0.7 } },
    } as EvaluationReport;
    const [old, made] = [version({}), version({ version: 2, runKey: 'f'.repeat(16) })];
    expect(compareOnSameRows(evaluation, made, old, 'to candidate')).toMatchObject({
      rows: 300,
      runKey: made.runKey,
      metrics: [{ name: 'roc_auc', from: 0.7, to: 0.7343, difference: expect.closeTo(0.0343, 12) }],
    });
    const [back] = compareOnSameRows(evaluation, made, old, 'to champion')?.metrics ?? [];
    expect(back?.difference).toBeCloseTo(-0.0343, 12);
    expect(compareOnSameRows(evaluation, made, version({ version: 3 }), 'to candidate')).toBeNull();
    expect(compareOnSameRows(null, made, old, 'to candidate')).toBeNull();
  });

  test('a version against itself', () => {
    expect(compareVersions(version({}), version({}))).toMatchObject({ changes: [], metrics: [] });
  });
});
