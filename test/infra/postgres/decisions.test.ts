import { beforeEach, describe, expect, it } from 'vitest';
import { createDecisions } from '../../../infra/postgres/decisions.ts';
import type { DecisionRecord } from '../../../workflows/domain/contracts/decision.ts';
import { applyFlights, flights, openBench } from './bench.ts';

let bench: Awaited<ReturnType<typeof openBench>>;
beforeEach(async () => {
  bench = await openBench();
  await applyFlights(bench);
  return bench.end;
});

const decision = (change: Partial<DecisionRecord> = {}): DecisionRecord => ({
  format: 1,
  key: 'watch-drift/flights/1',
  pipeline: flights,
  kind: 'quality',
  subject: '2001-01-01T00:00:00.000Z/2001-01-02T00:00:00.000Z',
  at: '2001-01-02T00:00:00.000Z' as DecisionRecord['at'],
  action: 'skew',
  reason: '1 of 2 served rows differ',
  inequalities: [],
  evidenceIds: [],
  input: {},
  output: null,
  ...change,
});

describe('decisions', () => {
  it('are kept once for each key, in their order', async () => {
    const decisions = createDecisions(bench.db);
    await decisions.record(decision());
    await decisions.record(decision({ action: 'another' }));
    await decisions.record(decision({ key: 'watch-drift/flights/2', action: 'wait', kind: 'retrain' }));
    const kept = await decisions.list(flights, { afterId: 0 });
    expect(kept.map(({ record }) => record.action)).toEqual(['skew', 'wait']);
    expect(await decisions.list(flights, { kinds: ['retrain'] })).toHaveLength(1);
  });

  it('are kept although a value of the data that they tell of has a NUL', async () => {
    const reason = 'view "origin.city" was x\u0000y, and is z';
    await createDecisions(bench.db).record(decision({ reason, input: { served: 'x\u0000y' } }));
    const [kept] = await createDecisions(bench.db).list(flights);
    expect(kept?.record).toEqual(decision({ reason: reason.replace('\u0000', '\uFFFD'), input: { served: 'x\uFFFDy' } }));
  });
});
