import { chmod, writeFile } from 'node:fs/promises';
import { beforeEach, describe, expect, it } from 'vitest';
import { digestOfJson, sha256Of } from '../../../infra/objects/digest.ts';
import { objectKeys } from '../../../infra/objects/keys.ts';
import type { ContentStore, ObjectStore } from '../../../infra/objects/store.ts';
import { createDeployments } from '../../../infra/postgres/deployments.ts';
import { createRegistry } from '../../../infra/postgres/registry.ts';
import type { NewRollout } from '../../../infra/postgres/rollout-begin.ts';
import { createRollouts } from '../../../infra/postgres/rollouts.ts';
import { createSnapshots } from '../../../infra/postgres/snapshots.ts';
import { verifyAll } from '../../../infra/verify.ts';
import type { DatasetManifest } from '../../../workflows/domain/contracts/dataset.ts';
import type { ModelPackage } from '../../../workflows/domain/contracts/model-version.ts';
import type { Sha256 } from '../../../workflows/domain/units.ts';
import { testStore } from '../../support/servers.ts';
import { applyFlights, candidate, flights, openBench, promotion, version } from '../postgres/bench.ts';

let bench: Awaited<ReturnType<typeof openBench>>;
let content: ContentStore;
let store: ObjectStore;
let model: Sha256;

const [part, onnx, features] = ['rows of a day', 'an onnx file', '{"a":1}'];

const manifest = (): DatasetManifest => ({
  format: 1,
  pipeline: flights,
  schema: { columns: [], eventTime: null, key: [], label: 'late', labelKnownAfterMs: 0 },
  parts: [{ source: 'main', kind: 'parquet', partition: 'h00', sha256: sha256Of(part), bytes: part.length, rows: 10 }],
  rows: 10,
  bytes: part.length,
  eventTime: null,
  cutoff: null,
  quarantined: { rows: 0, sha256: null },
  rejected: { rows: 0, sha256: null },
});

const modelPackage = (name: string): ModelPackage => ({
  format: 1,
  pipeline: flights,
  task: 'binary',
  classes: ['no', name],
  positiveClass: name,
  threshold: 0.5,
  onnx: {
    sha256: sha256Of(onnx),
    bytes: onnx.length,
    inputs: [{ name: 'x', type: 'float32', shape: ['n', 1] }],
    output: { name: 'p', type: 'float32', shape: ['n', 2] },
  },
  featureSetSha256: sha256Of(features),
  golden: [],
});

const registered = (name: string) => ({
  ...candidate(name),
  modelSha256: digestOfJson(modelPackage(name)),
  onnxSha256: sha256Of(onnx),
  featureSetSha256: sha256Of(features),
  snapshotSha256: digestOfJson(manifest()),
});

/** A snapshot, two versions of a model, two promotions, a rollout that was taken back and one that runs: a small world where everything holds. */
const fillStore = async (): Promise<void> => {
  for (const text of [part, onnx, features]) await content.putBytes(Buffer.from(text));
  await content.putJson(manifest());
  for (const name of ['a', 'b']) model = await content.putJson(modelPackage(name));
};

const fillDatabase = async (): Promise<void> => {
  await applyFlights(bench);
  await bench.pool.query('delete from perennial.snapshots');
  const { rows, bytes } = manifest();
  const snapshot = { sha256: digestOfJson(manifest()), pipeline: flights, rows, bytes, partCount: 1 };
  await createSnapshots(bench.db).record({ ...snapshot, firstEventAt: null, lastEventAt: null });
  const registry = createRegistry(bench.db);
  for (const name of ['a', 'b']) await registry.register(registered(name), 'ada');
  const deployments = createDeployments(bench.db);
  await deployments.promote(promotion(1, 0, 'first'));
  await deployments.promote(promotion(2, 1, 'second'));
  const rollouts = createRollouts(bench.db);
  await rollouts.begin(rollout);
  await rollouts.end({ ...rollout, end: 'rolled back', expectedGeneration: null });
  await rollouts.begin({ ...rollout, id: 'flights/1/two' });
};

const rollout: NewRollout = {
  id: 'flights/1/one',
  pipeline: flights,
  version: version(1),
  championVersion: version(2),
  workflowId: 'roll-out/flights/1',
  policy: {},
  deployed: { strategy: 'canary', share: 0.1, salt: 's', by: [], latencyMs: null },
  actor: 'ada',
  reason: 'a test',
};

beforeEach(async () => {
  bench = await openBench();
  const opened = testStore();
  ({ content, store } = opened);
  await fillStore();
  await fillDatabase();
  return async () => {
    await bench.end();
    opened.close();
  };
});

const verify = () => verifyAll({ db: bench.db, objects: store });
const broken = async (): Promise<string[]> =>
  (await verify()).filter((finding) => !finding.holds).map((finding) => `${finding.invariant} ${finding.statement}`);

const damage = async (sha256: Sha256, text: string): Promise<void> => {
  const file = store.localPath(objectKeys.content(sha256)) ?? '';
  await chmod(file, 0o600);
  await writeFile(file, text);
};

describe('verifyAll()', () => {
  it('finds that everything holds, and says what it looked at', async () => {
    const findings = await verify();
    expect(findings.map((finding) => [finding.invariant, finding.holds])).toEqual([
      ['I1', true],
      ['I1', true],
      ['I3', true],
      ['I5', true],
      ['I4', true],
      ['I11', true],
    ]);
    expect(findings[0]?.statement).toMatch(/1 snapshots.*2 objects/);
  });

  it('holds for an empty database', async () => {
    const empty = await openBench();
    expect((await verifyAll({ db: empty.db, objects: store })).every((finding) => finding.holds)).toBe(true);
    await empty.end();
  });

  it('finds a part that was altered', async () => {
    await damage(sha256Of(part), 'Rows of a day');
    expect(await broken()).toEqual([expect.stringMatching(/^I1 Snapshot flights\/.*part "h00": .* must have that digest/)]);
  });

  it('finds a part and a manifest that are gone', async () => {
    await store.delete(objectKeys.content(sha256Of(part)));
    expect(await broken()).toEqual([expect.stringMatching(/^I1 .*part "h00": .*must be in the store: it is not/)]);
    await store.delete(objectKeys.content(digestOfJson(manifest())));
    expect(await broken()).toEqual([expect.stringMatching(/^I1 .*manifest: .*must be in the store: it is not/)]);
  });

  it('finds a row count that was changed', async () => {
    await bench.pool.query('update perennial.snapshots set rows = 11');
    expect(await broken()).toEqual([expect.stringMatching(/^I1 .*rows must be as recorded, 11: the manifest has 10/)]);
  });

  it('finds a model file that was altered, and one that is gone', async () => {
    await damage(sha256Of(onnx), 'another file');
    await store.delete(objectKeys.content(model));
    const found = await broken();
    expect(found).toHaveLength(3);
    expect(found.filter((one) => one.startsWith('I5 Model flights/2'))).toHaveLength(2);
  });

  it('finds a reference profile that is gone', async () => {
    const profile = sha256Of('a profile that nobody stored');
    await bench.pool.query(`update perennial.model_versions set profile_sha256 = '${profile}' where version = 1`);
    expect(await broken()).toEqual([`I5 Model flights/1: object "${profile}" must be in the store: it is not`]);
  });

  it('finds a version whose package names other files', async () => {
    await bench.pool.query(`update perennial.model_versions set onnx_sha256 = feature_set_sha256 where version = 1`);
    expect(await broken()).toEqual([expect.stringMatching(/^I5 Model flights\/1: its package must name the ONNX file/)]);
  });

  it('finds a missing version number and a training key that is there twice', async () => {
    await bench.pool.query('delete from perennial.rollouts');
    await bench.pool.query(`alter table perennial.model_versions drop constraint model_versions_pipeline_training_key_key;
      update perennial.model_versions set training_key = 'same'; update perennial.model_versions set version = 4 where version = 1`);
    expect(await broken()).toEqual(
      expect.arrayContaining([expect.stringMatching(/^I3 .*no gap/), expect.stringMatching(/^I3 Training key/)]),
    );
  });

  it.each([
    [
      'a champion that nobody promoted',
      `update perennial.model_versions set stage = 'retired' where version = 2`,
      /must be the champion, version none/,
    ],
    [
      'a deployment that went back',
      'update perennial.deployments set generation = 1',
      /generation must be that of the last change, 5/,
    ],
    [
      'a deployment of other bytes',
      `update perennial.deployments set model_sha256 = 'x'`,
      /the deployed model must be the champion/,
    ],
    [
      'a promotion that is gone',
      'delete from perennial.promotions where generation = 1',
      /generation 1 must be among its promotions and rollouts/,
    ],
    [
      'a promotion out of line',
      'update perennial.promotions set previous_version = null',
      /must have followed champion 1: it says none/,
    ],
    [
      'a promotion nobody audited',
      `update perennial.promotions set operation_key = 'x' where generation = 2`,
      /promotion 2 must be in the audit log/,
    ],
    [
      'a share that was not shifted',
      `update perennial.deployments set rollout = jsonb_set(rollout, '{share}', '0.5')`,
      /the candidate must have a share of 0.1, as shifted last: it has 0.5/,
    ],
    [
      'a candidate whose rollout ended',
      `update perennial.rollouts set state = 'rolled back'`,
      /no candidate must be deployed: version 1 is/,
    ],
    [
      'a rollout without its candidate',
      'update perennial.deployments set rollout = null',
      /candidate of rollout "flights\/1\/two" must be deployed: version none is/,
    ],
  ])('finds %s', async (_, statement, expected) => {
    await bench.pool.query(statement);
    const found = await broken();
    expect(
      found.some((one) => one.startsWith('I4') && expected.test(one)),
      found.join('\n'),
    ).toBe(true);
  });

  it('finds an audit entry that was altered', async () => {
    await bench.pool.query(
      `alter table perennial.audit_log disable trigger user; update perennial.audit_log set actor = 'eve' where id = 2`,
    );
    expect(await broken()).toEqual([expect.stringMatching(/^I11 Audit log breaks at entry 2/)]);
  });
});
