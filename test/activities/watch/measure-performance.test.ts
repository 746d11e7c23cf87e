import { afterEach, describe, expect, it, vi } from 'vitest';
import { measurePerformance } from '../../../activities/watch/measure-performance.ts';
import { subjectOfPrediction } from '../../../infra/capture/subject.ts';
import { objectKeys } from '../../../infra/objects/keys.ts';
import type { Sha256 } from '../../../workflows/domain/units.ts';
import { answered, flights, idAt, instant } from '../../infra/capture/records.ts';
import { day, drawRows, hour, openTruthWorld, type Row, start, type TruthWorld } from '../support/truth-world.ts';

let world: TruthWorld;
const open = async (...asked: Parameters<typeof openTruthWorld>): Promise<TruthWorld> => {
  world = await openTruthWorld(...asked);
  return world;
};
afterEach(() => world.close());

/** A day of predictions, one a minute. */
const dayOf = (n: number, broken = 0): Row[] =>
  drawRows({ from: start + n * day, count: 1_440, seed: n + 1, every: 60_000, broken });
const measured = async (dataTime: number, change = {}) => {
  const found = await measurePerformance(world.deps, world.question(dataTime, change));
  if (found === null) throw new Error('nothing was measured');
  return found;
};

describe('measurePerformance()', () => {
  it('passes windows as good as the reference and fails one that is worse, each once its labels have matured', async () => {
    const { ship, label } = await open();
    const days = [dayOf(0), dayOf(1), dayOf(2, 0.9), dayOf(3)];
    await ship(days.flat());
    for (const rows of days.slice(0, 3)) await label(rows, day);
    const found = await measured(start + 4 * day + 2 * hour);
    expect(found.metric).toBe('roc_auc');
    expect(found.windows.map(({ from, performance }) => [from, performance.outcome])).toEqual([
      [instant(start), 'pass'],
      [instant(start + day), 'pass'],
      [instant(start + 2 * day), 'fail'],
    ]);
    expect(found.windows[2]?.performance.reason).toMatch(/upper 95% bound -0\.\d+ < -0\.1, on 1440 rows/);
    expect(found.windows[2]?.calibration).toMatchObject({ remedy: 'retrain' });
    expect(found.windows[0]?.calibration).toMatchObject({ remedy: 'none' });
    expect(found.report.windows.map((one) => [one.kind, one.predictions, one.labelled])).toEqual([
      ['matured', 1_440, 1_440],
      ['matured', 1_440, 1_440],
      ['matured', 1_440, 1_440],
      ['provisional', 1_440, 0],
    ]);
    expect(found.report.lag95Ms).toBe(day);
    expect(found.labels).toMatchObject({ predictions: 5_760, labelled: 4_320, unknownIds: 0, late: 0, newRows: 4_320 });
    expect(found.labels.newRareRows).toBeGreaterThan(1_900);
    expect(await measured(start + 4 * day + 2 * hour)).toEqual(found);
  });

  describe('rows that belong together', () => {
    /** Days of a hold-out that differ by so much. */
    const daysThatDiffer = (between: number) => {
      const each = { roc_auc: { clusters: 7, mean: 0.83, meanError: between / Math.sqrt(7), between } };
      return { unit: 'day', count: 7, effective: 7, error: { roc_auc: 0.03 }, each } as const;
    };
    const badDay = async (...together: Parameters<typeof openTruthWorld>) => {
      const { ship, label } = await open(...together);
      const rows = dayOf(0, 0.9).map((row, n) => {
        const inputs = { origin: ['SFO', 'JFK', 'EWR', 'LAX', 'ORD', 'SEA'][n % 6] as string };
        return { ...row, record: { ...row.record, inputs } };
      });
      await ship(rows);
      await label(rows, hour);
      const found = await measured(start + 2 * day);
      return { ...found, verdict: found.windows[0]?.performance };
    };

    it('has no breach in a bad day where the days of the reference differ as much', async () => {
      const { verdict } = await badDay({}, { clusters: daysThatDiffer(0.2) });
      expect(verdict?.outcome).toBe('inconclusive');
      expect(verdict?.reason).toMatch(/nor does upper bound .* on 1440 rows in 1 day against 7$/);
    });

    it('has one where they are alike', async () => {
      const { verdict } = await badDay({}, { clusters: daysThatDiffer(0.02) });
      expect(verdict).toMatchObject({ outcome: 'fail' });
      expect(verdict?.reason).toMatch(/upper 95% bound -0\.\d+ < -0\.1, on 1440 rows in 1 day against 7$/);
    });

    it('finds in days together what lasts, where one day cannot show it', async () => {
      const { ship, label } = await open({}, { clusters: daysThatDiffer(0.12) });
      const days = Array.from({ length: 7 }, (_, n) => dayOf(n, 0.9));
      await ship(days.flat());
      for (const rows of days) await label(rows, hour);
      const { windows, report } = await measured(start + 8 * day);
      const outcomes = windows.map(({ performance }) => performance.outcome);
      expect(outcomes).toHaveLength(7);
      // What is found stays found, and the first day alone finds nothing.
      expect(outcomes.slice(0, 2)).toEqual(['inconclusive', 'inconclusive']);
      expect(outcomes.slice(outcomes.indexOf('fail')).every((one) => one === 'fail')).toBe(true);
      const verdict = windows.at(-1)?.performance;
      expect(verdict?.reason).toMatch(/windows together minus reference .* upper 97.5% bound .* in 7 days against 7$/);
      expect(verdict?.evidenceIds).toHaveLength(2);
      const last = report.windows.at(-1);
      expect(last?.kind === 'matured' && last.evidence.find(({ id }) => id === verdict?.evidenceIds[0])).toMatchObject({
        rows: 1_440,
        confidence: 0.975,
      });
    });

    /** A week whose labels are true oftener than was promised, or as often. */
    const weekOf = async (watch: Parameters<typeof openTruthWorld>[0], wrong: number) => {
      const { ship, label } = await open(watch, { clusters: daysThatDiffer(0.02) });
      const days = Array.from({ length: 7 }, (_, n) =>
        dayOf(n).map((row, at) => (at % 10 < wrong ? { ...row, truth: true } : row)),
      );
      await ship(days.flat());
      for (const rows of days) await label(rows, hour);
      return (await measured(start + 8 * day)).windows;
    };

    it('asks five days and more whether probabilities are true, never one', async () => {
      const windows = await weekOf({}, 2);
      const verdicts = windows.map(({ calibration }) => calibration?.verdict);
      expect(verdicts.slice(0, 4).map((one) => one?.reason)).toEqual(
        [1, 2, 3, 4].map((days) => `clusters by day ${days} >= 5 does not hold`),
      );
      expect(windows.at(-1)?.calibration?.remedy).toBe('recalibrate');
      expect(verdicts.at(-1)?.reason).toMatch(
        /beyond that of true probabilities 0\.\d+ > 0\.01, .* over 7 clusters by day .* <= 0\.025/,
      );
    });

    it('asks for nothing where they are true', async () => {
      const windows = await weekOf({}, 0);
      expect(windows.map(({ calibration }) => calibration?.remedy)).toEqual(new Array(7).fill('none'));
      expect(windows.at(-1)?.calibration?.verdict.outcome).toBe('pass');
    });

    it('asks windows shorter than a day with those of the days before', async () => {
      const windows = await weekOf({ window: '6h' }, 2);
      expect(windows).toHaveLength(28);
      const last = windows.at(-1)?.calibration;
      expect(last?.remedy).toBe('recalibrate');
      expect(last?.verdict.reason).toContain('over 7 clusters by day');
      expect(windows[3]?.calibration?.verdict.reason).toBe('clusters by day 1 >= 5 does not hold');
    });

    it('says with its numbers that one day decides nothing, by a profile that does not know its days', async () => {
      const { verdict } = await badDay({}, { clusters: undefined, gate: { cluster: 'day' } });
      expect(verdict?.outcome).toBe('inconclusive');
      expect(verdict?.reason).toContain('clusters by day 1 >= 5 does not hold, and the reference does not say');
    });

    it('falls back to hours, as the gate does, by a profile that does not know and a gate that was told nothing', async () => {
      const { verdict } = await badDay({}, { clusters: undefined });
      expect(verdict?.reason).toMatch(/in 24 hours$/);
    });

    it('takes rows of one value of a column together, as the gate does', async () => {
      const { verdict } = await badDay({}, { clusters: undefined, gate: { cluster: ['origin'] } });
      expect(verdict?.reason).toMatch(/in 6 clusters by origin$/);
    });
  });

  it('tells each matured window once, and leaves quarantined ones out', async () => {
    const { ship, label } = await open();
    const rows = [...dayOf(0), ...dayOf(1), ...dayOf(2, 0.9)];
    await ship(rows);
    await label(rows, hour);
    const dataTime = start + 3 * day + 2 * hour;
    const later = await measured(dataTime, { maturedUntil: instant(start + 2 * day) });
    expect(later.windows.map(({ from }) => from)).toEqual([instant(start + 2 * day)]);
    const broken = [{ from: instant(start + 2 * day), to: instant(start + 3 * day) }];
    const left = await measured(dataTime, { quarantined: broken });
    expect(left.windows.map(({ from }) => from)).toEqual([instant(start), instant(start + day)]);
  });

  it('shows young windows and decides nothing by them', async () => {
    const { ship, label } = await open();
    const [first, second] = [dayOf(0), dayOf(1, 1)];
    await ship([...first, ...second]);
    await label(first, 12 * hour);
    await label(second.slice(0, 400), 12 * hour);
    const found = await measured(start + 2 * day + hour);
    const young = found.report.windows.find((one) => one.from === instant(start + day));
    expect(young).toMatchObject({ kind: 'provisional', labelled: 400 });
    expect(found.windows.map(({ from }) => from)).not.toContain(instant(start + day));
  });

  it('never matures without labels, until the horizon says that none will come', async () => {
    const { ship } = await open({ labels: { horizon: '2d' } });
    await ship(dayOf(0));
    expect((await measured(start + 2 * day)).windows).toEqual([]);
    const found = await measured(start + 3 * day + 1);
    expect(found.windows.map(({ performance }) => performance.outcome)).toEqual(['inconclusive']);
    expect(found.windows[0]?.performance.reason).toMatch(/labelled rows 0 >= 30 does not hold/);
    expect(found.labels).toMatchObject({ predictions: 1_440, labelled: 0, newRows: 0, newRareRows: 0 });
  });

  it('takes no label by the horizon for a negative where the pipeline says so', async () => {
    const { ship, label } = await open({ labels: { horizon: '2d', unlabelled: 'negative' } });
    const rows = dayOf(0);
    await ship(rows);
    await label(
      rows.filter(({ truth }) => truth === true),
      hour,
    );
    const found = await measured(start + 3 * day + 1);
    expect(found.windows.map(({ performance }) => performance.outcome)).toEqual(['pass']);
    expect(found.report.windows[0]).toMatchObject({ kind: 'matured', by: 'horizon', labelled: 1_440 });
    expect(found.report.labelledShare).toBeNull();
    expect(found.labels.newRows).toBe(1_440);
  });

  it('says that the feed of labels has failed, and not that the model has', async () => {
    const { ship, label } = await open({ labels: { horizon: '1d' } });
    const days = [dayOf(0), dayOf(1), dayOf(2)];
    await ship(days.flat());
    for (const rows of days.slice(0, 2)) await label(rows, hour);
    await label(days[2]?.slice(0, 300) ?? [], hour);
    const found = await measured(start + 4 * day + 1);
    expect(found.breaches.map(({ check }) => check)).toEqual(['labelled share']);
    expect(found.windows.map(({ performance }) => performance.outcome)).not.toContain('fail');
    const again = await measured(start + 4 * day + 1, { maturedUntil: instant(start + 3 * day) });
    expect(again.breaches).toEqual([]);
  });

  it('says that labels stay away where no horizon does, and windows never mature', async () => {
    const { ship, label } = await open();
    const days = Array.from({ length: 7 }, (_, n) => dayOf(n));
    await ship(days.flat());
    for (const rows of days.slice(0, 3)) await label(rows, hour);
    expect((await measured(start + 3 * day + hour)).labelFeed).toBeNull();
    const found = await measured(start + 7 * day + 3 * hour);
    expect(found.windows).toEqual([]);
    expect(found.labelFeed).toMatchObject({ from: instant(start + 6 * day), to: instant(start + 7 * day) });
    expect(found.labelFeed).toHaveProperty('statement', expect.stringMatching(/^labelled share, .* < -0\.05, on 1440 rows$/));
  });

  it('finds nothing wrong with labels that only ever came for a part', async () => {
    const { ship, label } = await open();
    const days = Array.from({ length: 4 }, (_, n) => dayOf(n));
    await ship(days.flat());
    for (const rows of days) await label(rows.slice(0, 800), hour);
    const found = await measured(start + 4 * day + 3 * hour);
    expect(found).toMatchObject({ windows: [], breaches: [], labelFeed: 'as usual' });
  });

  it('joins labels that came before their predictions were shipped, out of order, by two servers, with corrections', async () => {
    const { ship, label, labels } = await open();
    const rows = dayOf(0);
    await label(rows.toReversed(), hour);
    const wrong = rows
      .slice(0, 200)
      .map(({ record, truth }) => ({ subject: subjectOfPrediction(record.id), label: !truth, at: instant(start + 2 * hour) }));
    await labels.record(flights, wrong);
    await ship(
      rows.filter((_, n) => n % 2 === 0),
      'server-1',
    );
    await ship(rows.filter((_, n) => n % 2 === 1).toReversed(), 'server-2');
    await label(rows, 3 * day);
    const found = await measured(start + 5 * day);
    expect(found.report.windows).toMatchObject([{ kind: 'matured', predictions: 1_440, labelled: 1_440 }]);
    expect(found.windows.map(({ performance }) => performance.outcome)).toEqual(['pass']);
    expect((await labels.find(flights, [wrong[0]?.subject ?? '']))[0]).toMatchObject({ corrections: 2, label: rows[0]?.truth });
  });

  it('counts labels for ids that nobody has, and none for what is still to be shipped', async () => {
    const { ship, label, labels } = await open();
    const rows = dayOf(0);
    await ship(rows.slice(0, 1_000));
    await label(rows, hour);
    const strangers = [1, 2, 3].map((n) => ({
      subject: subjectOfPrediction(idAt(instant(start + n * hour), 999_999_000 + n)),
      label: true,
      at: null,
    }));
    await labels.record(flights, strangers);
    const shadow = answered(instant(start + hour), 5, { shadow: true, version: 1 as never });
    await ship([{ record: shadow, truth: null }]);
    expect((await measured(start + 3 * day)).labels).toMatchObject({ predictions: 1_000, labelled: 1_000, unknownIds: 3 });
  });

  it('keeps the answers of another version apart', async () => {
    const { ship, label, register } = await open();
    const other = await register('b');
    const own = dayOf(0);
    const theirs = drawRows({
      from: start,
      count: 1_440,
      seed: 50,
      every: 60_000,
      broken: 1,
      change: { version: 2 as never, modelSha256: other.modelSha256 },
    });
    await ship([...own, ...theirs]);
    await label([...own, ...theirs], hour);
    const found = await measured(start + 3 * day);
    expect(found.report.windows).toMatchObject([{ predictions: 1_440 }]);
    expect(found.windows.map(({ performance }) => performance.outcome)).toEqual(['pass']);
    const worse = await measured(start + 3 * day, { version: other });
    expect(worse.windows.map(({ performance }) => performance.outcome)).toEqual(['fail']);
    expect(found.labels.newRows).toBe(2_880);
  });

  it('estimates without labels from the counters of the newest closed window', async () => {
    const { tell } = await open();
    await tell(
      Array.from({ length: 5_000 }, (_, n) => (n + 0.5) / 5_000),
      start,
    );
    const usual = await measured(start + day + 1);
    expect(usual.estimate).toMatchObject({ from: instant(start), verdict: { outcome: 'pass' } });
    await tell(
      Array.from({ length: 5_000 }, (_, n) => 0.45 + (n / 5_000) * 0.1),
      start + day,
    );
    const unsure = await measured(start + 2 * day + 1);
    expect(unsure.estimate).toMatchObject({ from: instant(start + day), verdict: { outcome: 'fail' } });
    expect(unsure.windows).toEqual([]);
  });

  it('keeps a report only where something in it is new', async () => {
    const { ship, label, tell, deps } = await open();
    const put = vi.spyOn(deps.content, 'putJson');
    const asked = (dataTime: number, change = {}) => measurePerformance(deps, world.question(dataTime, change));
    const rows = dayOf(0);
    await ship(rows);
    await label(rows, hour);
    await tell(
      rows.map(({ record }) => record.scores[0] ?? 0),
      start,
    );
    const first = await asked(start + day + 2 * hour);
    expect(await deps.content.getJson(first?.reportSha256 as Sha256)).toEqual(first?.report);
    expect(put).toHaveBeenCalledTimes(1);
    const told = { maturedUntil: instant(start + day), estimatedUntil: instant(start + day) };
    const later = await asked(start + day + 3 * hour, told);
    expect(later).toMatchObject({ windows: [], estimate: null, reportSha256: null, labels: { labelled: 1_440 } });
    expect(put).toHaveBeenCalledTimes(1);
    const estimated = await asked(start + day + 3 * hour, { ...told, estimatedUntil: null });
    expect(estimated?.reportSha256).not.toBeNull();
  });

  it('waits for predictions that were counted and are still to be shipped, and not for ever', async () => {
    const { ship, label, tell } = await open();
    const [first, second] = [dayOf(0), dayOf(1)];
    for (const rows of [first, second]) {
      await tell(
        rows.map(({ record }) => record.scores[0] ?? 0),
        Date.parse(rows[0]?.record.eventAt ?? ''),
      );
      await label(rows, hour);
    }
    await ship(first.slice(0, 1_000));
    await ship(second);
    const early = await measured(start + 2 * day + 2 * hour);
    expect(early.windows).toEqual([]);
    expect(early.report.windows.map(({ kind }) => kind)).toEqual(['provisional', 'provisional']);
    const late = await measured(start + 3 * day + 2 * hour);
    expect(late.report.windows.map(({ kind, predictions }) => [kind, predictions])).toEqual([
      ['matured', 1_000],
      ['matured', 1_440],
    ]);
    await ship(first.slice(1_000));
    const whole = await measured(start + 2 * day + 2 * hour);
    expect(whole.report.windows.map(({ kind, predictions }) => [kind, predictions])).toEqual([
      ['matured', 1_440],
      ['matured', 1_440],
    ]);
  });

  it('does not wait for predictions that are not kept', async () => {
    const { ship, label, tell, spec } = await open();
    const rows = dayOf(0);
    // Every fourth, and some by chance.
    const kept = rows.filter((_, n) => n % 4 === 0);
    await ship(kept);
    await label(kept, hour);
    await tell(
      [...rows, ...rows.slice(0, 40)].map(({ record }) => record.scores[0] as number),
      start,
    );
    const quarter = { spec: { ...spec, serve: { ...spec.serve, capture: 0.25 as never } } };
    expect((await measured(start + 1.5 * day, quarter)).windows).toHaveLength(1);
    // Where all are kept, three quarters are still on their way.
    expect((await measured(start + 1.5 * day)).windows).toEqual([]);
    const half = { spec: { ...spec, serve: { ...spec.serve, capture: 0.5 as never } } };
    expect((await measured(start + 1.5 * day, half)).windows).toEqual([]);
  });

  it('measures by the usual metric where the one that is asked for does not exist for the task', async () => {
    const { ship, label } = await open({ performance: { metric: 'rmse', drop: 0.1 } });
    await ship(dayOf(0));
    await label(dayOf(0), hour);
    expect(await measured(start + 2 * day)).toMatchObject({ metric: 'roc_auc', windows: [{ performance: { outcome: 'pass' } }] });
  });

  it('goes on without a part that is lost, and says so', async () => {
    const { ship, label, parts, store } = await open();
    const rows = [...dayOf(0), ...dayOf(1)];
    await ship(rows);
    await label(rows, hour);
    const [first] = await parts.select(flights, instant(start));
    await store.store.delete(objectKeys.content(first?.sha256 as Sha256));
    const found = await measured(start + 3 * day);
    expect(found.labels).toMatchObject({ unreadableParts: 1, predictions: 2_880 - (first?.rows ?? 0) });
    expect(found.report.windows).toHaveLength(2);
  });

  it('has second opinions, which say drift where the labels turned', async () => {
    const { ship, label } = await open();
    const rows = [...dayOf(0), ...dayOf(1), ...dayOf(2, 1), ...dayOf(3, 1)];
    await ship(rows);
    await label(rows, hour);
    const { secondOpinions } = (await measured(start + 5 * day)).report;
    expect(secondOpinions.map((one) => one.detector)).toEqual(['ddm', 'page-hinkley', 'adwin']);
    const adwin = secondOpinions.find((one) => one.detector === 'adwin');
    expect(adwin?.signal).toBe('drift');
    expect(Date.parse(adwin?.at ?? '')).toBeGreaterThan(start + 2 * day);
  });

  it('has an empty report where nothing was ever answered, and none for a version without a reference', async () => {
    const { deps, question, version } = await open();
    const found = await measured(start);
    expect(found).toMatchObject({
      windows: [],
      estimate: null,
      breaches: [],
      report: { windows: [], lag95Ms: null, secondOpinions: [] },
    });
    expect(await measurePerformance(deps, question(start, { version: { ...version, profileSha256: null } }))).toBeNull();
  });
});
