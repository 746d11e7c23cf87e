import { beforeEach, describe, expect, it } from 'vitest';
import { createAudit } from '../../../infra/postgres/audit.ts';
import { createQuarantine, type Quarantined } from '../../../infra/postgres/quarantine.ts';
import { subjectOfWindow } from '../../../infra/postgres/quarantine-release.ts';
import type { Instant, Sha256 } from '../../../workflows/domain/units.ts';
import { applyFlights, flights, openBench } from './bench.ts';

let bench: Awaited<ReturnType<typeof openBench>>;
beforeEach(async () => {
  bench = await openBench();
  await applyFlights(bench);
  return bench.end;
});

const [first, second] = ['2001-02-05T00:00:00.000Z', '2001-02-06T00:00:00.000Z'] as Instant[] as [Instant, Instant];
const third = '2001-02-07T00:00:00.000Z' as Instant;
const [ours, theirs] = ['a'.repeat(64), 'b'.repeat(64)] as Sha256[] as [Sha256, Sha256];
const window = (over: Partial<Quarantined> = {}): Quarantined => ({
  pipeline: flights,
  profileSha256: ours,
  from: first,
  to: second,
  breaches: [{ check: 'new category', variable: 'tariff', statement: 'share of new values 0.4 > 0.05' }],
  rows: 600,
  ...over,
});
const release = (over: { from?: Instant; actor?: string } = {}) =>
  createQuarantine(bench.db).release({ pipeline: flights, from: first, actor: 'ada', reason: 'the tariff is new', ...over });
const open = (profileSha256: Sha256, to: Instant) =>
  createQuarantine(bench.db).openBreaches({ pipeline: flights, profileSha256, to });
const audited = async () =>
  (await createAudit(bench.db).list({ subject: flights, limit: 50 })).filter(({ action }) => action === 'window released');

describe('a quarantined window', () => {
  it('is released under every profile at once, on record with who and why; the window beside it stays', async () => {
    const quarantine = createQuarantine(bench.db);
    for (const profileSha256 of [ours, theirs]) await quarantine.add(window({ profileSha256 }));
    await quarantine.add(window({ from: second, to: third }));
    expect(await release()).toEqual([{ from: first, to: second, breaches: 1 }]);
    expect([await open(ours, second), await open(theirs, second), await open(ours, third)]).toEqual([0, 0, 1]);
    expect(await audited()).toMatchObject([
      { actor: 'ada', subject: `flights/${first}/${second}`, detail: { from: first, to: second, reason: 'the tariff is new' } },
    ]);
    const releasers = await quarantine.releasers(flights);
    expect(releasers.get(subjectOfWindow(flights, { from: first, to: second }))).toEqual({
      by: 'ada',
      reason: 'the tariff is new',
    });
    expect(releasers.size).toBe(1);
    // Who measures the window again finds it released.
    await quarantine.add(window());
    expect(await open(ours, second)).toBe(0);
  });

  it('is released once, and who comes second hears by whom it was', async () => {
    await createQuarantine(bench.db).add(window());
    const ends = await Promise.allSettled(Array.from({ length: 8 }, (_, index) => release({ actor: `operator ${index}` })));
    expect(ends.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    for (const end of ends) {
      if (end.status === 'rejected')
        expect(end.reason).toMatchObject({
          code: 'PRN_CONFLICT',
          message: expect.stringMatching(/must be in quarantine: operator \d released it at \S+: the tariff is new$/),
        });
    }
    expect(await audited()).toHaveLength(1);
    expect(await createAudit(bench.db).verifyChain()).toMatchObject({ holds: true });
  });

  it('that never was, or of a pipeline that was deleted, cannot be released', async () => {
    await createQuarantine(bench.db).add(window());
    await expect(release({ from: third })).rejects.toMatchObject({
      code: 'PRN_NOT_FOUND',
      message: expect.stringContaining('`perennial quarantine list flights`'),
    });
    await bench.pool.query('update perennial.pipelines set deleted_at = now()');
    await expect(release()).rejects.toMatchObject({ code: 'PRN_CONFLICT' });
    expect(await open(ours, second)).toBe(1);
    expect(await audited()).toEqual([]);
  });
});
