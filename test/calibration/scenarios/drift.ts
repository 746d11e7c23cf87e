/** Drift alarms: how often there are any where nothing has changed, and how soon where something has. */
import type { DriftReport } from '#domain/contracts/drift-report.ts';
import type { DriftPolicy } from '#domain/contracts/drift-state.ts';
import type { Evidence } from '#domain/contracts/evidence.ts';
import type { ReferenceProfile, WindowCounts } from '#domain/contracts/reference-profile.ts';
import { nextDriftState, startDriftMemory } from '#domain/decide/drift/next-drift-state.ts';
import { observeReport } from '#domain/decide/drift/observe-report.ts';
import { defaultDriftPolicy } from '#domain/decide/drift/policy.ts';
import { measureDrift } from '#domain/stats/drift/measure-drift.ts';
import { dayMs, hourMs } from '#domain/units.ts';
import {
  clusteredRows,
  countedNumbers,
  drawShifted,
  hourlyProfile,
  independent,
  monday,
  profiled,
  profileOf,
  profileSha256,
  quietWindow,
  shiftedShares,
  type World,
  windowAt,
} from '../drift-streams.ts';
import { multinomial } from '../samplers.ts';
import { chance, type Finding, type Scenario } from '../scenario.ts';

/** Alarms raised by a series of windows, and windows with a breach. */
const watch = (profile: ReferenceProfile, policy: DriftPolicy) => {
  let memory = startDriftMemory({ sha256: profileSha256, features: profile.features.length, predictions: profile.scores.length });
  const seen = { raised: 0, breached: 0, states: [] as string[] };
  return {
    seen,
    judge: (report: DriftReport): void => {
      const judged = nextDriftState(policy, memory, observeReport(report));
      memory = judged.memory;
      seen.raised += judged.raised ? 1 : 0;
      seen.breached += report.breaches.length > 0 ? 1 : 0;
      seen.states = judged.features.map(({ state }) => state);
    },
  };
};

const distanceOf = (evidence: readonly Evidence[], measure: string): number | undefined =>
  evidence.find(
    (one): one is Extract<Evidence, { kind: 'distance' }> => one.kind === 'distance' && one.id.endsWith(`/${measure}`),
  )?.distance;

/** Natural logarithms there, base 2 here. */
const natural = Math.sqrt(Math.LN2);

/** Columns that Evidently's defaults call drifted with more than 1000 rows of reference: W1 over sd, or JS, from 0.1 on. */
const columnsAtDefaults = (report: DriftReport): number =>
  report.features.filter(({ evidence }) => {
    const wasserstein = distanceOf(evidence, 'wasserstein/deviation');
    return (wasserstein ?? (distanceOf(evidence, 'jensen-shannon') as number) * natural) >= 0.1;
  }).length;

/** One a month of hourly windows. */
const oneAMonth = { operator: '<=' as const, value: 1 / 720 };

const quietMonths = (name: string, world: World, hours: number, windows: number): Finding[] => {
  const profile = hourlyProfile(chance(`${name} snapshot`), world, hours);
  const naive = asTextbook(profile);
  const random = chance(`${name} months`);
  const ours = watch(profile, defaultDriftPolicy);
  const counts = { half: 0, any: 0, textbook: 0, sufficient: 0 };
  let previous: WindowCounts | undefined;
  for (let hour = 0; hour < windows; hour++) {
    const window = quietWindow(random, world, hour);
    const report = measureDrift(profile, window, { profileSha256, ...(previous === undefined ? {} : { previous }) });
    ours.judge(report);
    const columns = columnsAtDefaults(report);
    counts.half += columns >= world.features / 2 ? 1 : 0;
    counts.any += columns > 0 ? 1 : 0;
    counts.sufficient += report.features.every(({ sufficient }) => sufficient) ? 1 : 0;
    // Every tenth window: it is shown, not judged.
    if (hour % 10 === 0) counts.textbook += firesByTextbook(naive, { ...window, scores: [] }) ? 1 : 0;
    previous = window;
  }
  const finding = (what: string, rule: string, successes: number, trials = windows): Finding => ({
    what,
    rule,
    successes,
    trials,
    target: null,
  });
  return [
    { ...finding('windows that raise an alarm', 'ours', ours.seen.raised), target: oneAMonth } as Finding,
    { ...finding('windows with a breach of data quality', 'ours', ours.seen.breached), target: oneAMonth } as Finding,
    {
      ...finding('windows with rows enough in every feature', 'ours', counts.sufficient),
      target: { operator: '>=', value: 0.99 },
    } as Finding,
    finding('windows that alarm', "Evidently's levels, half of the columns", counts.half),
    finding('windows that alarm', "Evidently's levels, any column", counts.any),
    finding('windows that alarm', 'Holm at 5 % as if rows were independent', counts.textbook, Math.ceil(windows / 10)),
  ];
};

/** One family of features, rows taken as independent. */
const asTextbook = (profile: ReferenceProfile): ReferenceProfile => ({
  ...profile,
  features: profile.features.map((one) => ({ ...one, quiet: null, critical: false })),
  scores: [],
});

const firesByTextbook = (profile: ReferenceProfile, window: WindowCounts): boolean =>
  measureDrift(profile, window, { profileSha256, correction: 'holm' }).features.some(
    ({ adjustedPValue }) => (adjustedPValue ?? 1) <= 0.05,
  );

/** Is the one critical feature found in drift within three windows of a shift? */
const detection = (name: string, full: boolean): Finding[] => {
  const world: World = { features: full ? 100 : 20, critical: 1, rows: independent(1000) };
  const profile = hourlyProfile(chance(`${name} snapshot`), world, full ? 720 : 60);
  const random = chance(`${name} windows`);
  const others = Array.from({ length: 40 }, (_, hour) => quietWindow(random, world, hour));
  const trials = full ? 1000 : 60;
  const found = { ours: 0, estimate: 0, warned: 0, half: 0 };
  for (let trial = 0; trial < trials; trial++) {
    const ours = watch(profile, defaultDriftPolicy);
    const byEstimate = watch(profile, { ...defaultDriftPolicy, enterBy: 'estimate' });
    let [warned, half] = [false, false];
    for (let hour = 0; hour < 3; hour++) {
      const quiet = others[Math.floor(random() * others.length)] as WindowCounts;
      const features = [drawShifted(random, 1000, 0.45), ...quiet.features.slice(1)];
      const report = measureDrift(profile, windowAt(monday + hour * hourMs, hourMs, features, quiet.scores), { profileSha256 });
      ours.judge(report);
      byEstimate.judge(report);
      warned ||= byEstimate.seen.states[0] === 'warn' || byEstimate.seen.states[0] === 'drift';
      half ||= columnsAtDefaults(report) >= world.features / 2;
    }
    found.ours += ours.seen.raised;
    found.estimate += byEstimate.seen.raised;
    found.warned += warned ? 1 : 0;
    found.half += half ? 1 : 0;
  }
  const what = 'shifts found within three windows';
  return [
    { what, rule: 'ours', successes: found.ours, trials, target: { operator: '>=', value: 0.99 } },
    { what, rule: 'ours, by the estimate instead of its upper limit', successes: found.estimate, trials, target: null },
    {
      what: 'shifts warned of within three windows',
      rule: 'ours, by the estimate',
      successes: found.warned,
      trials,
      target: null,
    },
    { what, rule: "Evidently's levels, half of the columns", successes: found.half, trials, target: null },
  ];
};

/** Values of the weekend lie 0.6 standard deviations above those of the week, in every feature. */
const weekendShift = (day: number): number => (day % 7 >= 5 ? 0.6 : 0);

const seasonal = (name: string, full: boolean): Finding[] => {
  const features = full ? 20 : 6;
  const random = chance(name);
  const shares = new Map([0, 0.5, 0.6, 1.1].map((shift) => [shift, shiftedShares(shift)]));
  const draw = (shift: number) => countedNumbers(multinomial(random, 1000, shares.get(shift) as number[]));
  const days = Array.from({ length: 84 }, (_, day) => day);
  const variables = Array.from({ length: features }, (_, feature) => {
    const windows = days.map((day) => ({ slot: day % 7, counts: draw(weekendShift(day)).counts }));
    return {
      bySlot: profiled(`f${feature}`, true, windows, 7, true),
      whole: profiled(
        `f${feature}`,
        true,
        windows.map((one) => ({ ...one, slot: 0 })),
        1,
        true,
      ),
    };
  });
  const week = Array.from({ length: 7 }, () => 12);
  const bySlot = profileOf(
    variables.map((one) => one.bySlot),
    [],
    { slot: 'day of week', slots: 7, windowMs: dayMs, windowsBySlot: week },
  );
  const whole = profileOf(
    variables.map((one) => ({ ...one.whole, quiet: null })),
    [],
    { slot: 'none', slots: 1, windowMs: dayMs, windowsBySlot: [84] },
  );
  const watches = { slot: watch(bySlot, defaultDriftPolicy), whole: watch(whole, defaultDriftPolicy) };
  const trials = full ? 700 : 70;
  const alarmed = { slot: 0, whole: 0 };
  for (let day = 0; day < trials; day++) {
    const window = windowAt(
      monday + day * dayMs,
      dayMs,
      variables.map(() => draw(weekendShift(day))),
      [],
    );
    for (const [kind, profile] of [
      ['slot', bySlot],
      ['whole', whole],
    ] as const) {
      watches[kind].judge(measureDrift(profile, window, { profileSha256 }));
      alarmed[kind] += watches[kind].seen.states.includes('drift') ? 1 : 0;
    }
  }
  const found = foundOnTop(bySlot, draw, features, full ? 300 : 30);
  return [
    {
      what: 'days in drift, of weeks that are like all others',
      rule: 'ours: the same day of the week',
      successes: alarmed.slot,
      trials,
      target: { operator: '<=', value: 0.01 },
    },
    {
      what: 'days in drift, of weeks that are like all others',
      rule: 'the whole reference',
      successes: alarmed.whole,
      trials,
      target: null,
    },
    {
      what: 'shifts on top of the season found within three days',
      rule: 'ours: the same day of the week',
      ...found,
      target: { operator: '>=', value: 0.99 },
    },
  ];
};

const foundOnTop = (
  profile: ReferenceProfile,
  draw: (shift: number) => ReturnType<typeof countedNumbers>,
  features: number,
  trials: number,
) => {
  let successes = 0;
  for (let trial = 0; trial < trials; trial++) {
    const ours = watch(profile, defaultDriftPolicy);
    for (let day = trial; day < trial + 3; day++) {
      const usual = weekendShift(day);
      const counted = Array.from({ length: features }, (_, feature) => draw(feature > 0 ? usual : usual === 0 ? 0.5 : 1.1));
      ours.judge(measureDrift(profile, windowAt(monday + day * dayMs, dayMs, counted, []), { profileSha256 }));
    }
    successes += ours.seen.raised;
  }
  return { successes, trials };
};

const worldOf = (full: boolean, rows: World['rows']): World => ({ features: full ? 100 : 10, critical: full ? 5 : 2, rows });

export const scenarios: readonly Scenario[] = [
  {
    name: 'quiet months, independent rows',
    claim: 'Without any change 100 features raise at most one alarm in 30 days of hourly windows of 1000 rows.',
    rows: (full) => quietMonths('drift iid', worldOf(full, independent(1000)), full ? 720 : 60, full ? 5 * 720 : 60),
  },
  {
    name: 'quiet months, clustered rows',
    claim: 'The same where rows come in clusters of 20 with a design effect of 6.7, with 4000 rows an hour.',
    rows: (full) => quietMonths('drift clustered', worldOf(full, clusteredRows(4000)), full ? 720 : 60, full ? 5 * 720 : 40),
  },
  {
    name: 'a shift of 0.45 standard deviations',
    claim: 'One critical feature of 100 that moves by 0.45 standard deviations is found within three windows of 1000 rows.',
    rows: (full) => detection('drift detection', full),
  },
  {
    name: 'weekends are not drift',
    claim:
      'A weekly season raises no alarm against the same day of the week, and hides no shift of half a standard deviation on top of it.',
    rows: (full) => seasonal('drift season', full),
  },
];
