/**
 * Drift, twice. First a verdict over 100 features from counters alone. Then 1,000,000 rows of 20 columns (12 numbers, 8
 * categories) against as many, from two Parquet files to a verdict: our profile of the one, counts of the other and
 * verdict, against Evidently's preset on the same two files, in turns. Parameters: [rows, 1000000] [turns, 3].
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ProfiledFeature, ReferenceProfile, WindowCounts } from '#domain/contracts/reference-profile.ts';
import { nextDriftState, startDriftMemory } from '#domain/decide/drift/next-drift-state.ts';
import { observeReport } from '#domain/decide/drift/observe-report.ts';
import { halfOfColumnsPolicy } from '#domain/decide/drift/policy.ts';
import { measureDrift } from '#domain/stats/drift/measure-drift.ts';
import { createRandom } from '#domain/stats/random.ts';
import { countValues } from '#domain/stats/summaries/place-value.ts';
import { dayMs, type Instant, type PipelineName, type Sha256 } from '#domain/units.ts';
import { sha256Of } from '../../infra/objects/digest.ts';
import { countWindow } from '../../infra/profile/count-window.ts';
import { profileColumns } from '../../infra/profile/profile-columns.ts';
import { profileNumbersInMemory, type Timing } from '../../infra/profile/profile-values.ts';
import type { ProfiledColumn } from '../../infra/profile/rows.ts';
import { planWindows } from '../../infra/profile/season.ts';
import { type Duck, withDuckDb } from '../../infra/tabular/duckdb.ts';
import { quoteName, quoteText } from '../../infra/tabular/sql.ts';
import { median } from '../support/median.ts';
import { openEvidently } from './programs/evidently.ts';

const goals = { verdictMs: 50, timesFaster: 40 };
const limits = { memoryMiB: 1024, threads: availableParallelism() };
/** Here only a name: what is stored under it nobody asks. */
const profileSha256: Sha256 = sha256Of('profile of the bench');
const span = { from: '2001-01-01T00:00:00.000Z' as Instant, to: '2001-01-02T00:00:00.000Z' as Instant };

const print = (text: string): void => void process.stdout.write(`${text}\n`);

const profileOf = (features: readonly ProfiledFeature[], season: ReferenceProfile['season'], rows: number): ReferenceProfile => ({
  format: 1,
  pipeline: 'bench' as PipelineName,
  snapshotSha256: profileSha256,
  featureSetSha256: profileSha256,
  onnxSha256: null,
  rows,
  eventTime: null,
  season,
  features: [...features],
  scores: [],
  predictions: null,
  performance: null,
});
const asFeature = (
  variable: Omit<ProfiledFeature, 'critical' | 'importance' | 'closedVocabulary' | 'hardLimits'>,
): ProfiledFeature => ({
  ...variable,
  critical: false,
  importance: null,
  closedVocabulary: false,
  hardLimits: { min: null, max: null },
});

/** From counters to the names of the features that drifted, as if this window were the only one. */
const judge = (profile: ReferenceProfile, window: WindowCounts): string[] => {
  const report = measureDrift(profile, window, { profileSha256 });
  const memory = startDriftMemory({ sha256: profileSha256, features: profile.features.length, predictions: 0 });
  const { features } = nextDriftState(halfOfColumnsPolicy, memory, observeReport(report));
  return features.filter(({ state }) => state === 'drift').map(({ name }) => name);
};

/** 100 features of 20 cells with a quiet history of 98 days, and a day in which one of them has moved. */
const benchVerdict = (turns: number): boolean => {
  const random = createRandom(1);
  const rows = 100_000;
  const epochMs = Float64Array.from({ length: rows }, (_, row) => (row / rows) * 100 * dayMs);
  const timing: Timing = { epochMs, plan: planWindows(dayMs, 0, 100 * dayMs - 1, 'none') };
  const features = Array.from({ length: 100 }, (_, index) =>
    asFeature(profileNumbersInMemory(`f${index}`, Float64Array.from({ length: rows }, random), timing)),
  );
  const season = { slot: 'none', slots: 1, windowMs: dayMs, windowsBySlot: [100] } as const;
  const profile = profileOf(features, { ...season, windowsBySlot: [100] }, rows);
  const day = features.map(({ layout }, index) => ({
    counts: countValues(
      layout,
      Float64Array.from({ length: 1000 }, () => random() ** (index === 0 ? 2 : 1)),
    ),
    outside: 0,
    moments: { count: 1000, mean: 0.5, squaredDeviations: 83, min: 0, max: 1 },
  }));
  const window: WindowCounts = { profileSha256, ...span, rows: 1000, features: day, scores: [], predictions: null };
  const took: number[] = [];
  for (let turn = 0; turn < Math.max(20, turns); turn += 1) {
    const startedAt = performance.now();
    const drifted = judge(profile, window);
    took.push(performance.now() - startedAt);
    if (drifted.join() !== 'f0') throw new Error(`Cannot compare: f0 must have drifted, and nothing else: ${drifted.join()}`);
  }
  const [first, usual] = [took[0] as number, median(took)];
  print(
    `verdict over 100 features from counters: ${usual.toFixed(1)} ms, the first ${first.toFixed(1)} ms (goal below ${goals.verdictMs})`,
  );
  return usual < goals.verdictMs;
};

const numbers = Array.from(
  { length: 12 },
  (_, index): ProfiledColumn => ({ name: `n${index}`, kind: 'numeric', sql: `n${index}` }),
);
const categories = [2, 5, 10, 20, 50, 100, 300, 1000];
const columns: readonly ProfiledColumn[] = [
  ...numbers,
  ...categories.map((_, index): ProfiledColumn => ({ name: `c${index}`, kind: 'categorical', sql: `c${index}` })),
];

/** Normal, log-normal and rounded numbers, and skewed categories, from a hash of row, column and seed. */
const writeRows = async (db: Duck, file: string, rows: number, seed: number, shift: number): Promise<void> => {
  const uniform = (place: number): string => `((hash(i * 64 + ${place} + ${seed} * 1000000007) >> 11) / 9007199254740992.0)`;
  const normal = (place: number): string =>
    `sqrt(-2 * ln(${uniform(place)} + 1e-17)) * cos(6.283185307179586 * ${uniform(place + 32)})`;
  const numberSql = (place: number): string => {
    if (place % 3 === 0) return place === 0 ? `${normal(place)} + ${shift}` : normal(place);
    return place % 3 === 1 ? `exp(${normal(place)})` : `floor(${uniform(place)} * 1000) / 10`;
  };
  const selected = [
    ...numbers.map(({ name }, place) => `${numberSql(place)} AS ${name}`),
    ...categories.map((size, index) => `'c' || CAST(floor(pow(${uniform(20 + index)}, 2) * ${size}) AS INTEGER) AS c${index}`),
  ];
  await db.run(`COPY (SELECT ${selected.join(', ')} FROM range(${rows}) AS made(i)) TO ${quoteText(file)} (FORMAT parquet)`);
};

const measureOurs = (folder: string, reference: string, current: string): Promise<string[]> =>
  withDuckDb({ folder, ...limits, allowedFolders: [reference, current] }, async (db) => {
    const rowsOf = (file: string) => ({
      relation: `read_parquet(${quoteText(file)}, file_row_number = true)`,
      rowNumber: 'file_row_number',
      epochMs: null,
    });
    const { variables, season, rows } = await profileColumns(db, rowsOf(reference), columns, dayMs);
    const profile = profileOf(variables.map(asFeature), season, rows);
    return judge(profile, await countWindow(db, profile, profileSha256, { ...rowsOf(current), columnOf: quoteName }, span));
  });

type Took = { readonly seconds: number; readonly cpuSeconds: number };
const textOf = ({ seconds, cpuSeconds }: Took): string => `${seconds.toFixed(2)} s (cpu ${cpuSeconds.toFixed(2)})`;

const takeOurs = async (folder: string, reference: string, current: string): Promise<Took & { readonly drifted: string[] }> => {
  const [startedAt, cpu] = [performance.now(), process.cpuUsage()];
  const drifted = await measureOurs(folder, reference, current);
  const { user, system } = process.cpuUsage(cpu);
  return { seconds: (performance.now() - startedAt) / 1000, cpuSeconds: (user + system) / 1e6, drifted };
};

const benchFiles = async (folder: string, rows: number, turns: number): Promise<boolean> => {
  const [reference, current] = [join(folder, 'reference.parquet'), join(folder, 'current.parquet')];
  await withDuckDb({ folder, ...limits, allowedFolders: [reference, current] }, async (db) => {
    await writeRows(db, reference, rows, 1, 0);
    await writeRows(db, current, rows, 2, 0.5);
  });
  const evidently = await openEvidently(reference, current);
  const [ours, theirs]: [Took[], Took[]] = [[], []];
  try {
    for (let turn = 1; turn <= turns; turn += 1) {
      const [their, our] = [await evidently.measure(), await takeOurs(folder, reference, current)];
      // A bench of two sides that find different things would compare nothing.
      if (their.drifted !== 1 || our.drifted.join() !== 'n0') {
        throw new Error(`Cannot compare: n0 alone must have drifted: ${their.drifted} columns and ${our.drifted.join()}`);
      }
      theirs.push(their);
      ours.push(our);
      print(`turn ${turn}: Evidently ${textOf(their)}, Perennial ${textOf(our)}`);
    }
  } finally {
    evidently.close();
  }
  const ratioOf = (of: (took: Took) => number): number => median(theirs.map(of)) / median(ours.map(of));
  const [ratio, cpuRatio] = [ratioOf(({ seconds }) => seconds), ratioOf(({ cpuSeconds }) => cpuSeconds)];
  print(
    `${rows} x 20 against ${rows} x 20, medians of ${turns}: ${ratio.toFixed(1)} times faster than Evidently (goal at least ${goals.timesFaster}); in processor time ${cpuRatio.toFixed(1)}`,
  );
  return ratio >= goals.timesFaster;
};

export const run = async ([rows = '1000000', turns = '3']: readonly string[]): Promise<void> => {
  const folder = mkdtempSync(join(tmpdir(), 'perennial-bench-'));
  try {
    const isVerdictFast = benchVerdict(Number(turns));
    const areFilesFast = await benchFiles(folder, Number(rows), Number(turns));
    if (!isVerdictFast || !areFilesFast) process.exitCode = 3;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};
