import { describe, expect, test } from 'vitest';
import type { ArmName } from '#domain/contracts/capture.ts';
import type { RolloutPlan } from '#domain/contracts/rollout.ts';
import type { Instant } from '#domain/units.ts';
import { toSegments } from '../../../activities/rollout/segments.ts';
import type { ArmTotal } from '../../../infra/postgres/tally-totals.ts';

const plan = {
  by: [],
  rules: { kind: 'canary' },
  policy: { steps: [0.1], guardrails: [{ name: 'errors' }] },
} as unknown as RolloutPlan;
const since = '2001-01-01T00:00:00.000Z' as Instant;
const total = (generation: number, arm: ArmName, model: string, requests: number): ArmTotal =>
  ({
    generation,
    arm,
    modelSha256: model,
    requests,
    units: requests,
    unitsAtOne: 7,
    events: { errors: 1 },
  }) as unknown as ArmTotal;
const requestsOf = (segments: readonly { generation: number; share: number }[], totals: readonly ArmTotal[]) =>
  toSegments(
    plan,
    segments.map((one) => ({ ...one, since })),
    totals,
  ).map(({ candidate, champion }) => [candidate.requests, champion.requests]);

describe('segments of a rollout', () => {
  test('requests under a promotion that was taken back are those of the candidate, which answered as champion', () => {
    const totals = [total(2, 'champion', 'old', 90), total(2, 'candidate', 'new', 10), total(3, 'champion', 'new', 70)];
    expect(
      requestsOf(
        [
          { generation: 2, share: 0.1 },
          { generation: 3, share: 1 },
        ],
        totals,
      ),
    ).toEqual([
      [10, 90],
      [70, 0],
    ]);
  });

  test('entities count as one server met them, requests as all did', () => {
    const totals = [total(2, 'champion', 'old', 90), total(2, 'candidate', 'new', 10)];
    const unitsOf = (by: string[], counted: readonly ArmTotal[]) =>
      toSegments({ ...plan, by }, [{ generation: 2, share: 0.1, since }], counted).map(({ candidate, champion }) => [
        candidate.units,
        champion.units,
      ]);
    expect(unitsOf([], totals)).toEqual([[10, 90]]);
    expect(unitsOf(['customer'], totals)).toEqual([[7, 7]]);
    // Named by the header of the request: who came twice says so.
    expect(unitsOf([], [{ ...(totals[0] as ArmTotal), units: 89 }, totals[1] as ArmTotal])).toEqual([[7, 7]]);
  });

  test('arms of one and the same model stay apart', () => {
    const totals = [total(2, 'champion', 'same', 90), total(2, 'candidate', 'same', 10), total(3, 'champion', 'same', 50)];
    expect(
      requestsOf(
        [
          { generation: 2, share: 0.1 },
          { generation: 3, share: 0.5 },
        ],
        totals,
      ),
    ).toEqual([
      [10, 90],
      [0, 50],
    ]);
  });
});
