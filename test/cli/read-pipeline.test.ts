import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { applyOverrides } from '../../workers/cli/spec/overrides.ts';
import { parsePipeline, readPipeline } from '../../workers/cli/spec/read-pipeline.ts';

const smallest = 'name: churn\ndata:\n  source: customers.csv\n  label: churned\n';
const problemsOf = (text: string): string[] => {
  try {
    parsePipeline(text, 'pipeline.yaml');
  } catch (error) {
    return (error as Error).message.split('\n');
  }
  throw new Error('the file was accepted');
};

describe('parsePipeline()', () => {
  it('fills in every default of the smallest useful file', () => {
    const { spec } = parsePipeline(smallest, 'pipeline.yaml');
    expect(spec.data.source).toEqual({ type: 'csv', path: 'customers.csv' });
    expect(spec.training.trainer).toBe('lightgbm');
    expect(spec.gate.champion).toEqual({ rule: 'not worse', confidence: 0.95 });
  });

  it('names line and column of an unknown key, and the one that was meant', () => {
    expect(problemsOf(`${smallest}retrain:\n  cooldwn: 12h\n`)).toEqual([
      'pipeline.yaml:6:3: unknown key "cooldwn"; did you mean "cooldown"? (schedule, on, max_age, cooldown, budget, new_labels, worth)',
    ]);
  });

  it('names the keys that a map may have', () => {
    expect(problemsOf(`${smallest}gate: { minimum: { auc: 0.7 }, maximum: { log_los: 1 } }\n`)).toEqual([
      expect.stringMatching(/^pipeline.yaml:5:20: unknown key "auc" \(roc_auc, pr_auc, .*median_absolute_error\)$/),
      expect.stringMatching(/^pipeline.yaml:5:43: unknown key "log_los"; did you mean "log_loss"\? \(roc_auc/),
    ]);
  });

  it('names the value that was meant', () => {
    const text = `${smallest}features:\n  inputs:\n    plan: { encode: targt }\n`;
    expect(problemsOf(text)).toEqual([
      'pipeline.yaml:7:21: unknown encode "targt"; did you mean "target"? (none, one-hot, ordinal, target, hash)',
    ]);
  });

  it('says what is missing', () => {
    expect(problemsOf('name: churn\ndata:\n  source: customers.csv\n')).toEqual(['pipeline.yaml:3:3: "data.label" is missing']);
  });

  it('names columns that the gate asks for and nobody declares, before anything is trained', () => {
    const columns = '  columns: { plan: { type: category }, age: { type: integer }, churned: { type: boolean } }\n';
    const gate = 'gate:\n  slices: [{ by: plan }, { by: pln }]\n  fairness: [{ by: region }]\n  cluster: [age, household]\n';
    expect(problemsOf(`${smallest}${columns}${gate}`)).toEqual([
      'pipeline.yaml:7:32: "gate.slices.1.by" must be a column of data.columns or view.value: "pln" is not declared; did you mean "plan"?',
      'pipeline.yaml:8:20: "gate.fairness.0.by" must be a column of data.columns or view.value: "region" is not declared',
      'pipeline.yaml:9:18: "gate.cluster.1" must be a column of data.columns or view.value: "household" is not declared',
    ]);
    expect(parsePipeline(`${smallest}${gate}`, 'pipeline.yaml').spec.gate.cluster).toEqual(['age', 'household']);
  });

  it('lets the gate name whatever a row has: key, time, label, values of views', () => {
    const text = `name: flights
data:
  source: flights.csv
  event_time: at
  key: flight
  label: { name: late, sql: delay > 15 }
  columns: { origin: { type: category }, delay: { type: integer, role: outcome } }
features:
  views:
    origin_7d: { entity: origin, window: 7d, values: { rate: avg(late) } }
    weather: { sql: select 1, entity: origin, known_at: issued_at }
gate:
  slices: [{ by: origin }, { by: late }, { by: origin_7d.rate }, { by: weather.kind }]
  cluster: [at, flight]
`;
    expect(parsePipeline(text, 'pipeline.yaml').spec.gate.slices).toHaveLength(4);
  });

  it('refuses a duration without a unit', () => {
    expect(problemsOf(`${smallest}training: { window: 60 }\n`)[0]).toMatch(/^pipeline\.yaml:5:21: "training\.window"/);
  });

  it('reports malformed YAML with its place', () => {
    expect(problemsOf('name: x\ndata:\n  source: [a\n  label: b\n')[0]).toMatch(/^pipeline\.yaml:4:3: /);
  });

  it('says where a second document begins', () => {
    expect(problemsOf(`${smallest}---\nname: other\n`)).toEqual([
      expect.stringMatching(/^pipeline\.yaml:\d+:1: a pipeline file holds one document, and a second begins here$/),
    ]);
  });

  it('refuses a key that stands twice', () => {
    expect(problemsOf(`${smallest}name: other\n`)[0]).toMatch(/^pipeline\.yaml:5:1: Map keys must be unique/);
  });
});

describe('readPipeline()', () => {
  it('puts the SQL of a view into the definition, and changes with it', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'perennial-spec-'));
    const view = 'event_time: at\nfeatures:\n  views:\n    weather: { sql: weather.sql, entity: origin, known_at: issued_at }\n';
    await writeFile(join(folder, 'pipeline.yaml'), `${smallest}  ${view}`);
    await writeFile(join(folder, 'weather.sql'), 'select 1');
    const first = await readPipeline(folder);
    await writeFile(join(folder, 'weather.sql'), 'select 2');
    const second = await readPipeline(folder);
    expect(first.spec.features.views.weather).toMatchObject({ sql: 'select 1' });
    expect(second.definitionSha256).not.toBe(first.definitionSha256);
    expect(second.codeVersion).not.toBe(first.codeVersion);
  });

  it('refuses a file that is not there', async () => {
    await expect(readPipeline('/nowhere/at/all')).rejects.toMatchObject({ code: 'PRN_SPEC_UNREADABLE' });
  });
});

describe('applyOverrides()', () => {
  const { file } = parsePipeline(smallest, 'pipeline.yaml');

  it('sets a nested field and leaves the file as it was', () => {
    const frozen = JSON.stringify(file);
    expect(applyOverrides(file, ['training.parameters.num_leaves=31', 'training.seed=7'])).toMatchObject({
      training: { seed: 7, parameters: { num_leaves: 31 } },
    });
    expect(JSON.stringify(file)).toBe(frozen);
  });

  it('refuses an unknown field with the one that was meant', () => {
    expect(() => applyOverrides(file, ['training.sed=7'])).toThrow('unknown key "sed"; did you mean "seed"?');
  });

  it.each([
    ['training.seed', 'it should read PATH=VALUE, as training.seed=2'],
    [
      'retrain.schedule=@daily',
      'its value should be YAML, with quotes where it begins with a sign: Plain value cannot start with reserved character @',
    ],
    ['name.first=a', '"name" holds no fields: it is "churn"'],
  ])('says what is wrong with %s', (override, says) => {
    expect(() => applyOverrides(file, [override])).toThrow(
      expect.objectContaining({ code: 'PRN_USAGE', message: `Cannot apply override "${override}": ${says}` }),
    );
  });
});
