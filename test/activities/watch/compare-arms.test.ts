import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { compareLosses, createCompareArmsOnLabels } from '../../../activities/watch/compare-arms.ts';
import { createDeployments } from '../../../infra/postgres/deployments.ts';
import type { ModelVersion } from '../../../workflows/domain/contracts/model-version.ts';
import type { RolloutRecord } from '../../../workflows/domain/contracts/rollout.ts';
import { lossesOfRows } from '../../../workflows/domain/stats/metrics/row-losses.ts';
import { createRandom } from '../../../workflows/domain/stats/random.ts';
import { momentsOf, varianceOf } from '../../../workflows/domain/stats/summaries/moments.ts';
import { flights, instant } from '../../infra/capture/records.ts';
import { drawRows, hour, openTruthWorld, type Row, start, type TruthWorld } from '../support/truth-world.ts';

let world: TruthWorld;
let candidate: ModelVersion;
beforeEach(async () => {
  world = await openTruthWorld();
  candidate = await world.register('b');
});
afterEach(() => world.close());

const rollout = (segments: RolloutRecord['segments']): RolloutRecord => ({
  id: 'rollout-1',
  pipeline: flights,
  version: candidate.version,
  championVersion: world.version.version,
  strategy: 'a/b',
  workflowId: 'roll-out/flights/2',
  state: 'running',
  segments,
  startedBy: 'ada',
  reason: 'try it',
  policy: {},
  harmed: null,
  startedAt: instant(start),
  endedAt: null,
});
const segments = [
  { generation: 5, share: 0.5, since: instant(start) },
  { generation: 7, share: 0.8, since: instant(start + hour) },
];
const arm = (name: 'champion' | 'candidate', generation: number, count: number, seed: number, broken: number): Row[] =>
  drawRows({
    from: start,
    count,
    seed,
    every: 1_000,
    broken,
    change: {
      generation,
      arm: name,
      ...(name === 'candidate' && { version: candidate.version, modelSha256: candidate.modelSha256 }),
    },
  });
const compare = async () =>
  await createCompareArmsOnLabels({ ...world.deps, registry: world.registry, predictionParts: world.parts })(
    rollout(segments),
    0.05,
  );
const deliver = async (rows: readonly Row[]): Promise<void> => {
  await world.ship(rows);
  await world.label(rows, hour);
};
const lossOf = (rows: readonly Row[]) => {
  const answers = rows.map(({ record }) => record.scores[0] as number);
  const labels = rows.map(({ truth }) => (truth === true ? 1 : 0));
  const moments = momentsOf(lossesOfRows('brier', { task: 'binary', classes: 2, labels, answers }));
  return { rows: rows.length, units: rows.length, mean: moments.mean, variance: varianceOf(moments) ?? 0 };
};
/** Rows of a few entities, all rows of one being the same: as much evidence as one row of each. */
const ofEntities = (rows: readonly Row[], entities: number, name: string): Row[] =>
  rows.map(({ record }, n) => {
    const first = rows[n % entities] as Row;
    const { scores, prediction } = first.record;
    return { record: { ...record, scores, prediction, unit: `${name} ${n % entities}` }, truth: first.truth };
  });

describe('compareArmsOnLabels()', () => {
  it('shows the gain of a candidate that is better, stretch by stretch, from the very losses of the rows', async () => {
    const [oldA, oldB] = [arm('champion', 5, 600, 1, 0.9), arm('candidate', 6, 500, 2, 0)];
    const [newA, newB] = [arm('champion', 7, 300, 3, 0.9), arm('candidate', 8, 900, 4, 0)];
    const before = arm('champion', 4, 500, 5, 0);
    await deliver([...oldA, ...oldB, ...newA, ...newB, ...before]);
    const found = await compare();
    const expected = compareLosses(
      [
        { segment: 5, ...lossOf(oldA) },
        { segment: 7, ...lossOf(newA) },
      ],
      [
        { segment: 5, ...lossOf(oldB) },
        { segment: 7, ...lossOf(newB) },
      ],
      0.05,
      'Brier score, champion minus candidate, on labels',
    );
    if (found.kind !== 'interval' || expected.kind !== 'interval') throw new Error('there is no interval');
    expect(found.lower).toBeGreaterThan(0);
    expect({ ...found, estimate: 0, lower: 0, upper: 0, standardError: 0 }).toEqual({
      ...expected,
      estimate: 0,
      lower: 0,
      upper: 0,
      standardError: 0,
    });
    for (const field of ['estimate', 'lower', 'upper', 'standardError'] as const)
      expect(found[field]).toBeCloseTo(expected[field], 9);
    expect(found.rows).toBe(2_300);
    expect(await compare()).toEqual(found);
  });

  it('says nothing before a hundred labels of each arm have come, whatever was answered', async () => {
    const [one, other] = [arm('champion', 5, 400, 1, 0), arm('candidate', 5, 400, 2, 0)];
    await world.ship([...one, ...other]);
    expect(await compare()).toMatchObject({ kind: 'insufficient', rows: 0 });
    await world.label([...one, ...other.slice(0, 99)], hour);
    expect(await compare()).toMatchObject({ kind: 'insufficient', reason: 'labelled rows of each arm 99 >= 100 does not hold' });
    await world.label(other, hour);
    expect(await compare()).toMatchObject({ kind: 'interval', rows: 800 });
  });

  it('takes rows of one entity, which stays with its arm, for one piece of evidence', async () => {
    const [one, other] = [arm('champion', 5, 1_200, 1, 0), arm('candidate', 5, 1_200, 2, 0)];
    await deliver([...ofEntities(one, 120, 'a'), ...ofEntities(other, 120, 'b')]);
    const found = await compare();
    if (found.kind !== 'interval') throw new Error('there is no interval');
    const alone = [one, other].map((rows) => lossOf(rows.slice(0, 120)));
    expect(found.rows).toBe(2_400);
    expect(found.estimate).toBeCloseTo((alone[0]?.mean ?? 0) - (alone[1]?.mean ?? 0), 9);
    expect(found.standardError).toBeCloseTo(Math.sqrt(alone.reduce((sum, { variance }) => sum + variance / 120, 0)), 9);
  });

  it('says nothing before a hundred entities of each arm have labels, however many rows they have', async () => {
    const [one, other] = [arm('champion', 5, 600, 1, 0), arm('candidate', 5, 600, 2, 0)];
    await deliver([...ofEntities(one, 120, 'a'), ...ofEntities(other, 99, 'b')]);
    expect(await compare()).toMatchObject({
      kind: 'insufficient',
      reason: 'labelled entities of each arm 99 >= 100 does not hold',
      rows: 1_200,
    });
  });

  it('does not count what a shadow answered', async () => {
    const [one, other] = [arm('champion', 5, 400, 1, 0), arm('candidate', 5, 400, 2, 0)];
    const shadows = other.map((row) => ({ ...row, record: { ...row.record, shadow: true } }));
    await deliver([...one, ...shadows]);
    expect(await compare()).toMatchObject({ kind: 'insufficient' });
  });

  it('is bounded at all times: equal arms are told apart in fewer than one of twenty tests looked at fifty times', () => {
    let alarms = 0;
    for (let test = 0; test < 200; test++) {
      const random = createRandom(test + 1);
      const losses = Array.from({ length: 2 }, () => [] as number[]);
      const isTold = Array.from({ length: 50 }).some(() => {
        for (const list of losses) for (let row = 0; row < 60; row++) list.push((random() - (random() < 0.3 ? 1 : 0)) ** 2);
        const [one, other] = losses.map((list) => {
          const moments = momentsOf(list);
          return { segment: 1, rows: list.length, units: list.length, mean: moments.mean, variance: varianceOf(moments) ?? 0 };
        });
        if (one === undefined || other === undefined) return false;
        const found = compareLosses([one], [other], 0.05, 'loss');
        return found.kind === 'interval' && (found.lower > 0 || found.upper < 0);
      });
      alarms += isTold ? 1 : 0;
    }
    expect(alarms).toBeLessThanOrEqual(10);
  });

  it('leaves the deployment as it is', async () => {
    const before = await createDeployments(world.bench.db).get(flights);
    await compare();
    expect(await createDeployments(world.bench.db).get(flights)).toEqual(before);
  });
});
