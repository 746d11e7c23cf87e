/** What somebody who waits for a rollout reads: where it stands and what to do, and no line each second. */
import { describe, expect, test } from 'vitest';
import { type RolloutRecord, rolloutRecordSchema } from '#domain/contracts/rollout.ts';
import type { PipelineName, VersionNumber } from '#domain/units.ts';
import type { ArmTotal } from '../../infra/postgres/tally-totals.ts';
import { createProgressTale, type Progress, progressOf } from '../../workers/cli/rollout/progress.ts';
import { examples } from '../house/examples.ts';

const at = (share: number, requests: number): Progress => ({
  ...{ pipeline: 'churn' as PipelineName, version: 2 as VersionNumber, strategy: 'canary', wanted: 1000 },
  ...{ share, requests },
});

describe('progressOf()', () => {
  const ended = rolloutRecordSchema.parse(examples['rolloutRecordSchema']);
  const running: RolloutRecord = {
    ...ended,
    state: 'running',
    policy: examples['rolloutPlanSchema'],
    harmed: null,
    endedAt: null,
  };
  const arm = (name: 'candidate' | 'champion', requests: number) => ({ arm: name, requests }) as ArmTotal;

  test('counts what the candidate answered at the newest share, of what its step asks for', () => {
    const totals = [arm('champion', 900), arm('candidate', 70), arm('candidate', 5)];
    expect(progressOf({ ...running, segments: running.segments.slice(0, 1) }, totals)).toMatchObject({
      ...{ version: 2, share: 0.1, requests: 75, wanted: 1000 },
    });
    expect(progressOf({ ...running, segments: running.segments.slice(0, 1) }, [])).toMatchObject({ requests: 0 });
  });

  test('has nothing to say of a rollout that ended', () => {
    expect(progressOf(ended, [])).toBeNull();
  });
});

describe('createProgressTale()', () => {
  test('says at once where a rollout begins without traffic, and what a person can do', () => {
    const line = createProgressTale()(at(0.1, 0), 0);
    expect(line).toMatch(
      /^canary at 10 %: 0 of 1,000 requests; perennial status churn .* perennial promote churn --reason … gives version 2/,
    );
  });

  test('then the first request, a new share, and each minute what has grown', () => {
    const tale = createProgressTale();
    const told = [
      [at(0.1, 0), 0],
      [at(0.1, 0), 300_000],
      [at(0.1, 3), 300_500],
      [at(0.1, 40), 301_000],
      [at(0.1, 900), 360_500],
      [at(0.1, 900), 500_000],
      [at(0.5, 0), 500_500],
    ] as const;
    expect(told.map(([progress, nowMs]) => tale(progress, nowMs)?.split(';')[0] ?? null)).toEqual([
      'canary at 10 %: 0 of 1,000 requests',
      null,
      'canary at 10 %: 3 of 1,000 requests',
      null,
      'canary at 10 %: 900 of 1,000 requests',
      null,
      'canary at 50 %: 0 of 1,000 requests',
    ]);
  });
});
