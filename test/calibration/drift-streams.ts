/** Streams of windows for the calibration of drift: normal features and categories, counted as servers count them. */
import type {
  CellCounts,
  ProfiledFeature,
  QuietHistory,
  ReferenceProfile,
  Season,
  WindowCounts,
} from '#domain/contracts/reference-profile.ts';
import { buildQuietHistory, type QuietWindow } from '#domain/stats/drift/quiet-history.ts';
import type { Random } from '#domain/stats/random.ts';
import { normalLowerTail, normalUpperQuantile } from '#domain/stats/special/normal.ts';
import { addCounts, emptyCounts } from '#domain/stats/summaries/cell-counts.ts';
import { hourMs, type Instant, type PipelineName, type Sha256 } from '#domain/units.ts';
import { multinomial } from './samplers.ts';

export const profileSha256 = 'b'.repeat(64) as Sha256;
const cells = 20;
const edges = Array.from({ length: cells - 1 }, (_, k) => -normalUpperQuantile((k + 1) / cells));
const density = (z: number): number => Math.exp(-(z * z) / 2) / Math.sqrt(2 * Math.PI);
/** Mean of a standard normal variable within each cell. */
const cellMeans = Array.from({ length: cells }, (_, k) => {
  const below = k === 0 ? 0 : density(edges[k - 1] as number);
  return (below - (k === cells - 1 ? 0 : density(edges[k] as number))) * cells;
});

/** Shares of the cells for normal values that have moved by so many standard deviations. */
export const shiftedShares = (shift: number): number[] => {
  const below = [...edges.map((edge) => normalLowerTail(edge - shift)), 1];
  return below.map((share, k) => share - (k === 0 ? 0 : (below[k - 1] as number)));
};

export const categories = 10;
const numericLayout = { kind: 'numeric' as const, edges };
const categoricalLayout = {
  kind: 'categorical' as const,
  values: Array.from({ length: categories }, (_, value) => `v${value}`),
  seen: { kind: 'exact' as const, values: [] },
};

/**
 * How rows come. In a cluster each row takes the cluster's own value with probability `sticky`, else one of its own, so
 * that two rows of a cluster correlate by sticky squared, in every cell.
 */
export type Rows = { readonly perWindow: number; readonly perCluster: number; readonly sticky: number };
export const independent = (perWindow: number): Rows => ({ perWindow, perCluster: 1, sticky: 0 });
/** Design effect 1 + 19 * 0.3 = 6.7. */
export const clusteredRows = (perWindow: number): Rows => ({ perWindow, perCluster: 20, sticky: Math.sqrt(0.3) });

/** Rows over so many cells of equal mass. */
export const drawCells = (random: Random, { perWindow, perCluster, sticky }: Rows, of: number): number[] => {
  const filled = Array.from({ length: of }, () => 0);
  for (let first = 0; first < perWindow; first += perCluster) {
    const common = Math.floor(random() * of);
    for (let row = 0; row < perCluster; row++) {
      const cell = sticky > 0 && random() < sticky ? common : Math.floor(random() * of);
      filled[cell] = (filled[cell] as number) + 1;
    }
  }
  return filled;
};

type Counted = WindowCounts['features'][number];
const noAsides = { missing: 0, nonFinite: 0, wrongType: 0 };

export const countedNumbers = (filled: readonly number[]): Counted => {
  const count = filled.reduce((sum, rows) => sum + rows, 0);
  const mean = filled.reduce((sum, rows, cell) => sum + rows * (cellMeans[cell] as number), 0) / count;
  return {
    counts: { cells: [...filled], ...noAsides },
    outside: 0,
    moments: { count, mean, squaredDeviations: count, min: -4, max: 4 },
  };
};
export const countedCategories = (filled: readonly number[]): Counted => ({
  counts: { cells: [...filled, 0, 0], ...noAsides },
  outside: 0,
  moments: null,
});

/** Half of the features are numbers, half are categories; the first `critical` ones are critical. */
export type World = { readonly features: number; readonly critical: number; readonly rows: Rows };
export const isNumber = (feature: number): boolean => feature % 2 === 0;

export const drawFeature = (random: Random, feature: number, rows: Rows): Counted =>
  isNumber(feature) ? countedNumbers(drawCells(random, rows, cells)) : countedCategories(drawCells(random, rows, categories));

const instant = (epochMs: number): Instant => new Date(epochMs).toISOString() as Instant;
export const monday = Date.UTC(2001, 0, 1);

export const windowAt = (
  start: number,
  lengthMs: number,
  features: readonly Counted[],
  scores: readonly Counted[],
): WindowCounts => ({
  profileSha256,
  from: instant(start),
  to: instant(start + lengthMs),
  rows: features[0]?.counts.cells.reduce((sum, rows) => sum + rows, 0) ?? 0,
  features: [...features],
  scores: [...scores],
  predictions: null,
});

/** The window of an hour without any change. */
export const quietWindow = (random: Random, world: World, hour: number): WindowCounts =>
  windowAt(
    monday + hour * hourMs,
    hourMs,
    Array.from({ length: world.features }, (_, feature) => drawFeature(random, feature, world.rows)),
    [drawFeature(random, 0, world.rows)],
  );

/** One variable of a profile, from the windows of its snapshot. */
export const profiled = (
  name: string,
  isNumeric: boolean,
  windows: readonly QuietWindow[],
  slots: number,
  critical: boolean,
): ProfiledFeature => {
  const layout = isNumeric ? numericLayout : categoricalLayout;
  const bySlot = Array.from({ length: slots }, () => emptyCounts(layout) as CellCounts);
  for (const { slot, counts } of windows) bySlot[slot] = addCounts(bySlot[slot] as CellCounts, counts);
  const reference = bySlot.reduce(addCounts);
  const moments = isNumeric ? { ...(countedNumbers(reference.cells).moments as NonNullable<Counted['moments']>) } : null;
  return {
    name,
    layout,
    reference,
    bySlot: slots === 1 ? [] : bySlot,
    moments,
    interquartileRange: isNumeric ? 1.349 : null,
    fences: null,
    outside: 0,
    quiet: buildQuietHistory(layout, windows) as QuietHistory,
    critical,
    importance: null,
    closedVocabulary: false,
    hardLimits: { min: null, max: null },
  };
};

export const profileOf = (
  features: readonly ProfiledFeature[],
  scores: readonly ProfiledFeature[],
  season: Season,
): ReferenceProfile => ({
  format: 1,
  pipeline: 'calibration' as PipelineName,
  snapshotSha256: profileSha256,
  featureSetSha256: profileSha256,
  onnxSha256: null,
  rows: features[0]?.reference.cells.reduce((sum, rows) => sum + rows, 0) ?? 0,
  eventTime: null,
  season,
  features: [...features],
  scores: [...scores],
  predictions: null,
  performance: null,
});

/** A profile of hourly windows without a season. */
export const hourlyProfile = (random: Random, world: World, hours: number): ReferenceProfile => {
  const variable = (feature: number, name: string, critical: boolean): ProfiledFeature => {
    const windows = Array.from({ length: hours }, () => ({ slot: 0, counts: drawFeature(random, feature, world.rows).counts }));
    return profiled(name, isNumber(feature), windows, 1, critical);
  };
  const features = Array.from({ length: world.features }, (_, feature) =>
    variable(feature, `f${feature}`, feature < world.critical),
  );
  return profileOf(features, [variable(0, 'score', false)], { slot: 'none', slots: 1, windowMs: hourMs, windowsBySlot: [hours] });
};

/** Counts of a normal feature that has moved. */
export const drawShifted = (random: Random, rows: number, shift: number): Counted =>
  countedNumbers(multinomial(random, rows, shiftedShares(shift)));
