/** A model of late flights and the weeks after its training: rows drawn, then counted and measured by the real rules. */
import type { ProfiledFeature, ReferenceProfile, WindowCounts } from '#domain/contracts/reference-profile.ts';
import type { Random } from '#domain/stats/random.ts';
import { addCounts, emptyCounts } from '#domain/stats/summaries/cell-counts.ts';
import { momentsOf } from '#domain/stats/summaries/moments.ts';
import { createPlacer } from '#domain/stats/summaries/place-value.ts';
import { dayMs, type Instant, type PipelineName, type Sha256 } from '#domain/units.ts';
import { digestOfJson } from '../../../infra/objects/digest.ts';
import { profileClassesInMemory, profileNumbersInMemory, type Timing } from '../../../infra/profile/profile-values.ts';
import { planWindows } from '../../../infra/profile/season.ts';
import { normal } from '../../calibration/samplers.ts';

export const flights = 'flights' as PipelineName;
export const trainedFrom = Date.UTC(2001, 0, 1);
export const trainedDays = 28;
export const liveFrom = trainedFrom + trainedDays * dayMs;
export const instantOf = (ms: number): Instant => new Date(ms).toISOString() as Instant;

/** A name that a page must not believe. */
export const nastyName = 'origin <script>alert("x")</script> & co';
const carriers = ['AA', 'DL', 'UA', 'WN', '<b>XX</b>'];
const origins = ['ATL', 'ORD', 'DFW', 'LAX'];

/** What the world does to rows: none of it is known to what measures them. */
export type Weather = {
  readonly hourShift: number;
  readonly carrierWeights: readonly number[];
  readonly missingTemperature: number;
  /** Share of the labels that no longer follow the features. */
  readonly forgotten: number;
};
export const calm: Weather = { hourShift: 0, carrierWeights: [4, 3, 2, 2, 1], missingTemperature: 0.01, forgotten: 0 };

export type Row = {
  readonly atMs: number;
  readonly dep_hour: number;
  readonly temperature: number | null;
  readonly carrier: string;
  readonly origin: string;
  readonly extra: readonly number[];
  readonly score: number;
  readonly late: 0 | 1;
};

const pick = (random: Random, values: readonly string[], weights: readonly number[]): string => {
  let left = random() * weights.reduce((sum, one) => sum + one, 0);
  for (const [place, weight] of weights.entries()) {
    left -= weight;
    if (left < 0) return values[place] as string;
  }
  return values.at(-1) as string;
};

export const drawDay = (random: Random, dayStart: number, rows: number, weather: Weather, extras: number): Row[] =>
  Array.from({ length: rows }, (): Row => {
    const hour = normal(random, 13 + weather.hourShift, 4);
    const carrier = pick(random, carriers, weather.carrierWeights);
    const score = 1 / (1 + Math.exp(-(0.35 * (hour - 17) + (carrier === 'UA' ? 0.5 : 0))));
    const follows = random() >= weather.forgotten;
    return {
      atMs: dayStart + random() * (dayMs - 1),
      dep_hour: hour,
      temperature: random() < weather.missingTemperature ? null : normal(random, 5, 8),
      carrier,
      origin: pick(random, origins, [3, 3, 2, 2]),
      extra: Array.from({ length: extras }, () => normal(random)),
      score,
      late: random() < (follows ? score : 0.25) ? 1 : 0,
    };
  });

const extraName = (place: number): string => `feature_${String(place).padStart(3, '0')}`;

const profiled = (variable: ReferenceProfile['scores'][number], critical: boolean): ProfiledFeature => ({
  ...variable,
  critical,
  importance: null,
  closedVocabulary: false,
  hardLimits: { min: null, max: null },
});

const predictedOf = ({ score }: Row): string => (score >= 0.5 ? 'true' : 'false');

export const profileOf = (rows: readonly Row[], extras: number): { profile: ReferenceProfile; sha256: Sha256 } => {
  const epochMs = Float64Array.from(rows, ({ atMs }) => atMs);
  const plan = planWindows(dayMs, trainedFrom, liveFrom - 1);
  const timing: Timing = { plan, epochMs };
  const numbers = (name: string, of: (row: Row) => number | null) =>
    profileNumbersInMemory(
      name,
      Float64Array.from(rows, (row) => of(row) ?? Number.NaN),
      timing,
    );
  const texts = (name: string, values: readonly string[], of: (row: Row) => string) =>
    profileClassesInMemory(name, values, rows.map(of), timing);
  const sha = 'a'.repeat(64) as Sha256;
  const profile: ReferenceProfile = {
    format: 1,
    pipeline: flights,
    snapshotSha256: sha,
    featureSetSha256: sha,
    onnxSha256: sha,
    rows: rows.length,
    eventTime: { first: instantOf(trainedFrom), last: instantOf(liveFrom - 1) },
    season: { slot: plan.slot, slots: 7, windowMs: dayMs, windowsBySlot: new Array(7).fill(trainedDays / 7) },
    features: [
      profiled(
        numbers('dep_hour', (row) => row.dep_hour),
        true,
      ),
      profiled(
        numbers('temperature', (row) => row.temperature),
        false,
      ),
      profiled(
        texts('carrier', carriers, (row) => row.carrier),
        false,
      ),
      profiled(
        texts(nastyName, origins, (row) => row.origin),
        false,
      ),
      ...Array.from({ length: extras }, (_, place) =>
        profiled(
          numbers(extraName(place), (row) => row.extra[place] as number),
          false,
        ),
      ),
    ],
    scores: [numbers('score', ({ score }) => score)],
    predictions: texts('prediction', ['false', 'true'], predictedOf),
    performance: null,
  };
  return { profile, sha256: digestOfJson(profile) };
};

type Counted = WindowCounts['features'][number];

const count = ({ layout, fences }: ReferenceProfile['scores'][number], values: readonly unknown[]): Counted => {
  const place = createPlacer(layout);
  const counts = addCounts(emptyCounts(layout), emptyCounts(layout));
  let outside = 0;
  for (const value of values) {
    const at = place(value);
    if (typeof at === 'number') (counts.cells[at] as number) += 1;
    else counts[at] += 1;
    if (fences !== null && typeof value === 'number' && (value < fences.low || value > fences.high)) outside += 1;
  }
  const numbers = values.filter((value) => typeof value === 'number');
  return { counts, outside, moments: layout.kind === 'numeric' ? momentsOf(Float64Array.from(numbers)) : null };
};

/** As a server counts the rows of a day. */
export const countDay = (
  { profile, sha256 }: { profile: ReferenceProfile; sha256: Sha256 },
  dayStart: number,
  rows: readonly Row[],
): WindowCounts => {
  const values: ((row: Row) => unknown)[] = [
    (row) => row.dep_hour,
    (row) => row.temperature,
    (row) => row.carrier,
    (row) => row.origin,
    ...profile.features.slice(4).map((_, place) => (row: Row) => row.extra[place]),
  ];
  return {
    profileSha256: sha256,
    from: instantOf(dayStart),
    to: instantOf(dayStart + dayMs),
    rows: rows.length,
    features: profile.features.map((variable, place) => count(variable, rows.map(values[place] as (row: Row) => unknown))),
    scores: profile.scores.map((variable) =>
      count(
        variable,
        rows.map(({ score }) => score),
      ),
    ),
    predictions: profile.predictions === null ? null : count(profile.predictions, rows.map(predictedOf)).counts,
  };
};
