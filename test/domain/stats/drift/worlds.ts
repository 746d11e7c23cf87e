/** Counters and profiles for the tests of drift. */
import type {
  CellCounts,
  Moments,
  ProfiledFeature,
  ReferenceProfile,
  WindowCounts,
} from '#domain/contracts/reference-profile.ts';
import type { Random } from '#domain/stats/random.ts';
import { momentsOf } from '#domain/stats/summaries/moments.ts';
import { countValues } from '#domain/stats/summaries/place-value.ts';
import type { Instant, PipelineName, Sha256 } from '#domain/units.ts';
import { hourMs } from '#domain/units.ts';

export const profileSha256 = 'b'.repeat(64) as Sha256;

/** Freezes a value all the way down: code that changes its input then throws. */
export const freeze = <T>(value: T): T => {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  Object.freeze(value);
  for (const inner of Object.values(value)) freeze(inner);
  return value;
};

export const counts = (cells: readonly number[], asides: Partial<Omit<CellCounts, 'cells'>> = {}): CellCounts =>
  freeze({ cells: [...cells], missing: 0, nonFinite: 0, wrongType: 0, ...asides });

/** Rows that fall into cells of equal mass. */
export const uniformCells = (random: Random, rows: number, cells: number): number[] => {
  const filled = Array.from({ length: cells }, () => 0);
  for (let row = 0; row < rows; row++) {
    const cell = Math.floor(random() * cells);
    filled[cell] = (filled[cell] as number) + 1;
  }
  return filled;
};

const plain = {
  bySlot: [],
  moments: null,
  interquartileRange: null,
  fences: null,
  outside: 0,
  quiet: null,
  critical: false,
  importance: null,
  closedVocabulary: false,
  hardLimits: { min: null, max: null },
};

/** Cells at the edges 1, 2, 3, …, one fewer than counts. */
export const numericFeature = (
  name: string,
  cells: readonly number[],
  parts: Partial<ProfiledFeature> = {},
): ProfiledFeature => ({
  ...plain,
  name,
  layout: { kind: 'numeric', edges: cells.slice(1).map((_, edge) => edge + 1) },
  reference: counts(cells),
  moments: momentsOfCells(cells),
  interquartileRange: 1,
  ...parts,
});

/** Cells of values a, b, c, …, then `other` and `new`. */
export const categoricalFeature = (
  name: string,
  cells: readonly number[],
  parts: Partial<ProfiledFeature> = {},
): ProfiledFeature => ({
  ...plain,
  name,
  layout: {
    kind: 'categorical',
    values: cells.slice(2).map((_, value) => String.fromCharCode(97 + value)),
    seen: { kind: 'exact', values: [] },
  },
  reference: counts(cells),
  ...parts,
});

/** As if every row lay in the middle of its cell, which is one wide. */
export const momentsOfCells = (cells: readonly number[]): Moments => {
  const filled = cells.flatMap((rows, cell) => (rows === 0 ? [] : [{ rows, value: cell + 0.5 }]));
  const count = filled.reduce((sum, { rows }) => sum + rows, 0);
  if (count === 0) return momentsOf([]);
  const mean = filled.reduce((sum, { rows, value }) => sum + rows * value, 0) / count;
  const squaredDeviations = filled.reduce((sum, { rows, value }) => sum + rows * (value - mean) ** 2, 0);
  return { count, mean, squaredDeviations, min: filled[0]?.value ?? null, max: filled.at(-1)?.value ?? null };
};

export const profileOf = (features: readonly ProfiledFeature[], parts: Partial<ReferenceProfile> = {}): ReferenceProfile =>
  freeze({
    format: 1,
    pipeline: 'churn' as PipelineName,
    snapshotSha256: 'c'.repeat(64) as Sha256,
    featureSetSha256: 'd'.repeat(64) as Sha256,
    onnxSha256: null,
    rows: 10_000,
    eventTime: null,
    season: { slot: 'none', slots: 1, windowMs: hourMs, windowsBySlot: [10] },
    features: [...features],
    scores: [],
    predictions: null,
    performance: null,
    ...parts,
  });

export const monday = Date.UTC(2001, 0, 1);
export const instant = (epochMs: number): Instant => new Date(epochMs).toISOString() as Instant;

type Counted = WindowCounts['features'][number];

export const counted = (cells: readonly number[], parts: Partial<Counted> = {}): Counted => ({
  counts: counts(cells),
  outside: 0,
  moments: momentsOfCells(cells),
  ...parts,
});

/** The same for a variable without moments. */
export const countedCategory = (cells: readonly number[], parts: Partial<Counted> = {}): Counted =>
  counted(cells, { moments: null, ...parts });

export const windowOf = (features: readonly Counted[], parts: Partial<WindowCounts> = {}): WindowCounts =>
  freeze({
    profileSha256,
    from: instant(monday),
    to: instant(monday + hourMs),
    rows: features.length === 0 ? 0 : (features[0] as Counted).counts.cells.reduce((sum, rows) => sum + rows, 0),
    features: [...features],
    scores: [],
    predictions: null,
    ...parts,
  });

/** What counting the values of each feature gives, one list of values a feature. */
export const countWindow = (profile: ReferenceProfile, columns: readonly (readonly number[])[]): WindowCounts =>
  windowOf(
    profile.features.map(({ layout }, at) => ({
      counts: countValues(layout, columns[at] as number[]),
      outside: 0,
      moments: layout.kind === 'numeric' ? momentsOf(columns[at] as number[]) : null,
    })),
    { rows: columns[0]?.length ?? 0 },
  );
