import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type AdwinState, adwin, adwinBound, adwinMean } from '#domain/stats/detectors/adwin.ts';
import { insert, oldestFirst, withoutOldest } from '#domain/stats/detectors/bucket-window.ts';
import { type DdmState, ddm } from '#domain/stats/detectors/ddm.ts';
import { type Detector, driftsOf, runDetector, type Signal } from '#domain/stats/detectors/detector.ts';
import { kswin } from '#domain/stats/detectors/kswin.ts';
import { pageHinkley } from '#domain/stats/detectors/page-hinkley.ts';
import { createRandom } from '#domain/stats/random.ts';
import golden from '../../../golden/detectors.json' with { type: 'json' };
import vectors from '../../../golden/vectors.json' with { type: 'json' };
import { expectRelative } from '../tolerance.ts';

/** Errors that rise from a tenth to a quarter at 2000. */
const risingErrors = (): readonly number[] => {
  const random = createRandom(7);
  return Object.freeze(Array.from({ length: 4000 }, (_, time) => (random() < (time < 2000 ? 0.1 : 0.25) ? 1 : 0)));
};

const streams = new Map(
  golden.streams.map(({ name, values }) => [
    name,
    Object.freeze(typeof values === 'string' ? values.split('').map(Number) : values) as readonly number[],
  ]),
);
const streamOf = (name: string): readonly number[] => streams.get(name) ?? expect.fail(`no stream ${name}`);

describe('detectors fire where the design says', () => {
  const wanted = vectors.stream_detectors;
  const series = risingErrors();

  test('the stream is the one that is meant', () => {
    expect(series.slice(0, 2000).filter((one) => one === 1)).toHaveLength(wanted.ones_before_2000);
    expect(series.slice(2000).filter((one) => one === 1)).toHaveLength(wanted.ones_after);
  });

  test('ddm()', () => {
    const run = runDetector(ddm(), series);
    expect(run.alarms[0]).toMatchObject({ signal: 'warning', index: wanted.ddm_first_warning_index });
    expect(driftsOf(run)).toEqual(wanted.ddm_drift_index);
  });

  test('pageHinkley()', () => {
    expect(driftsOf(runDetector(pageHinkley({ threshold: 25 }), series))).toEqual(wanted.page_hinkley_lambda25);
    expect(driftsOf(runDetector(pageHinkley(), series))).toEqual(wanted.page_hinkley_lambda50);
  });

  test('adwin()', () => {
    const run = runDetector(adwin(), series);
    const found = run.alarms.map(({ index, state }) => [index, state.window.count]);
    expect(found).toEqual(wanted['adwin_delta_0.002_index_and_width_after']);
    expectRelative(adwinMean(run.last) as number, wanted.adwin_final_mean, 1e-9);
    expectRelative(adwinBound(100, 50, 0.2, 0.002, 5), wanted['adwin_eps_n0_100_n1_50_var0.2_minw5'], 1e-9);
  });
});

describe('detectors agree with river', () => {
  test.each(golden.ddm)('ddm(), $name, $settings', ({ name, settings, warnings, drifts }) => {
    const { warm_start: warmUp, warning_threshold: warningAt, drift_threshold: driftAt } = settings as Record<string, number>;
    const given = warmUp === undefined || warningAt === undefined || driftAt === undefined ? {} : { warmUp, warningAt, driftAt };
    const run = runDetector(ddm(given), streamOf(name));
    expect(driftsOf(run)).toEqual(drifts);
    expect(run.alarms.filter((one) => one.signal === 'warning').map((one) => one.index)).toEqual(warnings);
  });

  test.each(golden.adwin)('adwin(), $name, $settings', ({ name, settings, drifts, mean, squaredDeviations }) => {
    const given = 'delta' in settings ? { delta: 0.1, every: 1, fewest: 10 } : {};
    const { alarms, last } = runDetector(adwin(given), streamOf(name));
    expect(alarms.map(({ index, state }) => [index, state.window.count])).toEqual(drifts);
    if (mean === null) expect(adwinMean(last)).toBeNull();
    else {
      expectRelative(adwinMean(last) as number, mean, 1e-12, 1e-13);
      expectRelative(last.window.squaredDeviations, squaredDeviations, 1e-9, 1e-12);
    }
  });

  test.each(golden.pageHinkley)('pageHinkley() without fading, $name, $settings', ({ name, settings, drifts }) => {
    expect(driftsOf(runDetector(pageHinkley({ ...settings, fading: 1 }), streamOf(name)))).toEqual(drifts);
  });
});

describe('kswin()', () => {
  test.each(golden.kswin)('agrees with river until its first drift, $name, $level', ({ name, level, first }) => {
    const run = runDetector(kswin({ seed: 9, level, holds: 60, newest: 30 }), streamOf(name));
    expect(driftsOf(run)[0] ?? null).toBe(first);
  });

  test('is repeatable by its seed, and another seed draws others', () => {
    const series = streamOf('numbers of spread 1.0 shifted by 0.2');
    const driftsBy = (seed: number) => driftsOf(runDetector(kswin({ seed, level: 0.05 }), series));
    expect(driftsBy(1)).toEqual(driftsBy(1));
    expect(driftsBy(1)).not.toEqual(driftsBy(2));
  });

  test('sees a change of spread under the same mean, which the others do not', () => {
    const random = createRandom(71);
    const series = Array.from({ length: 1000 }, (_, time) => (random() - 0.5) * (time < 500 ? 0.02 : 1));
    const found = driftsOf(runDetector(kswin({ seed: 1 }), series));
    expect(found.some((index) => index >= 500 && index < 560)).toBe(true);
    expect(driftsOf(runDetector(pageHinkley(), series))).toEqual([]);
  });

  test('refuses a window without room', () => {
    expect(() => kswin({ seed: 1, holds: 59 })).toThrow('its window must hold twice the newest 30: it holds 59');
    expect(() => kswin({ seed: 1, level: 0 })).toThrow('the level must be in (0, 1): it is 0');
  });
});

const keepsThePromises = <State extends { readonly signal: Signal }>(detector: Detector<State>): void => {
  const series = risingErrors();

  test('says nothing of nothing', () => {
    expect(runDetector(detector, [])).toEqual({ alarms: [], last: detector.start });
  });

  test('goes on where it stopped, also after its state was written down and read', () => {
    const whole = runDetector(detector, series);
    const first = runDetector(detector, series.slice(0, 2190));
    const kept = JSON.parse(JSON.stringify(first.last)) as typeof first.last;
    const second = runDetector(detector, series.slice(2190), kept);
    expect([...driftsOf(first), ...driftsOf(second).map((index) => index + 2190)]).toEqual(driftsOf(whole));
    expect(second.last).toEqual(whole.last);
  });

  test('changes no state that it was given', () => {
    let state = deepFrozen(detector.start);
    for (const observation of series.slice(0, 100)) state = deepFrozen(detector.step(state, observation));
  });

  test('refuses what is not a finite number', () => {
    for (const observation of [Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(() => detector.step(detector.start, observation)).toThrow(RangeError);
    }
  });
};

describe('ddm()', () => keepsThePromises(ddm()));
describe('pageHinkley()', () => keepsThePromises(pageHinkley({ threshold: 5 })));
describe('adwin()', () => keepsThePromises(adwin()));
describe('kswin()', () => keepsThePromises(kswin({ seed: 5, level: 0.05 })));

const deepFrozen = <Value>(value: Value): Value => {
  if (typeof value === 'object' && value !== null) Object.values(Object.freeze(value)).forEach(deepFrozen);
  return value;
};

describe('settings and observations that have no meaning', () => {
  test('are refused by name', () => {
    expect(() => ddm().step(ddm().start, 0.5)).toThrow('an observation must be 0 or 1: it is 0.5');
    expect(() => ddm({ driftAt: 0 })).toThrow('deviations of a drift must be finite and > 0: it is 0');
    expect(() => pageHinkley({ threshold: -1 })).toThrow('the threshold must be finite and > 0: it is -1');
    expect(() => pageHinkley({ fading: 0 })).toThrow('fading must be in (0, 1]: it is 0');
    expect(() => adwin({ delta: 1 })).toThrow('delta must be in (0, 1): it is 1');
  });

  test('ddm() takes the first error after thirty right answers for a drift, as its page says', () => {
    const series = [...new Array<number>(40).fill(0), 1];
    expect(driftsOf(runDetector<DdmState>(ddm(), series))).toEqual([40]);
  });
});

describe('the window of adwin()', () => {
  test('holds what it was given, in order, in few buckets', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -50, max: 50 }), { maxLength: 300 }), (values) => {
        const start: AdwinState['window'] = adwin().start.window;
        const window = values.reduce(insert, start);
        const buckets = [...oldestFirst(window)];
        expect(window.count).toBe(values.length);
        expect(buckets.length).toBeLessThanOrEqual(5 * Math.ceil(Math.log2(values.length + 2)));
        let place = 0;
        for (const bucket of buckets) {
          const held = values.slice(place, place + bucket.count);
          expect(bucket.total).toBe(held.reduce((sum, value) => sum + value, 0));
          place += bucket.count;
        }
        const mean = window.total / values.length;
        const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
        expectRelative(window.squaredDeviations, squares, 1e-9, 1e-9);
      }),
    );
  });

  test('without its oldest bucket is what the others hold', () => {
    const window = risingErrors().slice(0, 500).reduce(insert, adwin().start.window);
    const [oldest, ...others] = oldestFirst(window);
    const rest = withoutOldest(window);
    expect([...oldestFirst(rest)]).toEqual(others);
    expect(rest.count + (oldest?.count ?? 0)).toBe(window.count);
    expectRelative(rest.squaredDeviations, (rest.total * (rest.count - rest.total)) / rest.count, 1e-9);
    expect(withoutOldest(withoutOldest(insert(adwin().start.window, 3)))).toEqual(adwin().start.window);
  });
});
