import { quantileOfSorted } from '../quantile.ts';
import { createRandom } from '../random.ts';
import type { Numbers } from '../ranks.ts';

/** Columns of one length: the model's prediction first, then numeric features. What is not finite has a cell of its own. */
export type LossInputs = readonly Numbers[];

/** By what the loss is multiplied where an input lies in (edges[k-1], edges[k]]; the last factor is for what is not finite. */
export type LossTable = { readonly input: number; readonly edges: readonly number[]; readonly factors: readonly number[] };

/** The loss of a row: a base times the factor of each table. */
export type LossModel = { readonly base: number; readonly tables: readonly LossTable[] };

const cells = 10;
/** One for the prediction and one for each of two features, or three features: more would fit noise. */
const mostTables = 3;
/** A factor is drawn towards 1 as if so many more rows of the cell had met the expectation. */
const calmingRows = 20;
/** Fewer rows than these cannot tell ten cells apart. */
export const fewestRowsOfLossModel = 200;

/**
 * A small second model that predicts another's loss (absolute or squared error), for direct loss estimation: tables over
 * equal-mass cells of the inputs that say most about the loss, multiplied; at most three, chosen one by one on rows that
 * their factors were not fitted on. An input that does not help there by two standard errors is not taken.
 *
 * Its limits: effects multiply, so that an interaction of two features is missed; an input is known by its cell, so that
 * within the outer ones everything is alike, and beyond what was seen nothing is known; categories must come as numbers.
 * A boosted model served beside the first one would know more, and is not offered here.
 *
 * `losses` are finite and >= 0, of rows that the first model was not trained on. Losses of nothing but 0 give base 0
 * without tables. Null with fewer than 200 rows. Throws RangeError for other losses and columns of another length.
 *
 * Source: multiplicative tables as in Bailey and Simon, "Two studies in automobile insurance ratemaking", ASTIN Bulletin 1
 * (1960); compared by the quasi-likelihood of a mean: Wedderburn, Biometrika 61 (1974).
 * Agrees with: test/domain/stats/performance/loss-model.test.ts, by simulation.
 */
export const fitLossModel = (losses: Numbers, inputs: LossInputs, seed: number): LossModel | null => {
  checkLosses(losses, inputs);
  const rows = losses.length;
  if (rows < fewestRowsOfLossModel) return null;
  const base = meanOver(losses, allRows(rows));
  if (base === 0) return { base, tables: [] };
  const { fitted, held } = splitRows(rows, seed);
  let chosen: number[] = [];
  for (let better = bestNext(losses, inputs, chosen, fitted, held); better !== null && chosen.length < mostTables; ) {
    chosen = [...chosen, better];
    better = bestNext(losses, inputs, chosen, fitted, held);
  }
  return fitTables(losses, inputs, chosen, allRows(rows));
};

/**
 * The loss that a model predicts for each row. Throws RangeError for too few columns.
 *
 * Source: definition.
 * @example predictLosses({ base: 2, tables: [{ input: 0, edges: [5], factors: [0.5, 3, 1] }] }, [[4, 9, NaN]]) // Float64Array [1, 6, 2]
 */
export const predictLosses = (model: LossModel, inputs: LossInputs): Float64Array => {
  const found = new Float64Array(inputs[0]?.length ?? 0).fill(model.base);
  for (const { input, edges, factors } of model.tables) {
    const column = inputs[input];
    if (column === undefined)
      throw new RangeError(`Cannot predict losses as there must be a column ${input}: there are ${inputs.length}`);
    for (let row = 0; row < found.length; row++) {
      found[row] = (found[row] as number) * (factors[cellOf(edges, column[row] as number)] as number);
    }
  }
  return found;
};

const cellOf = (edges: readonly number[], value: number): number => {
  if (!Number.isFinite(value)) return edges.length + 1;
  const place = edges.findIndex((edge) => value <= edge);
  return place === -1 ? edges.length : place;
};

type Rows = Uint32Array;
const allRows = (rows: number): Rows => Uint32Array.from({ length: rows }, (_, row) => row);

const splitRows = (rows: number, seed: number): { fitted: Rows; held: Rows } => {
  const random = createRandom(seed);
  const isHeld = Uint8Array.from({ length: rows }, () => (random() < 0.5 ? 1 : 0));
  const pick = (wanted: number): Rows => allRows(rows).filter((row) => isHeld[row] === wanted);
  return { fitted: pick(0), held: pick(1) };
};

/** Tables in the order of their inputs, each on what those before it leave unexplained. */
const fitTables = (losses: Numbers, inputs: LossInputs, chosen: readonly number[], rows: Rows): LossModel => {
  let model: LossModel = { base: meanOver(losses, rows), tables: [] };
  for (const input of chosen) {
    const table = fitTable(losses, inputs, input, rows, predictLosses(model, inputs));
    model = { ...model, tables: [...model.tables, table] };
  }
  return model;
};

const fitTable = (losses: Numbers, inputs: LossInputs, input: number, rows: Rows, expected: Float64Array): LossTable => {
  const column = inputs[input] as Numbers;
  const edges = edgesOf(column, rows);
  const mean = meanOver(expected, rows);
  const sums = Array.from({ length: edges.length + 2 }, () => ({ seen: calmingRows * mean, expected: calmingRows * mean }));
  for (const row of rows) {
    const sum = sums[cellOf(edges, column[row] as number)] as { seen: number; expected: number };
    sum.seen += losses[row] as number;
    sum.expected += expected[row] as number;
  }
  return { input, edges, factors: sums.map((sum) => sum.seen / sum.expected) };
};

const edgesOf = (column: Numbers, rows: Rows): number[] => {
  const sorted = Float64Array.from(rows, (row) => column[row] as number)
    .filter(Number.isFinite)
    .sort();
  if (sorted.length === 0) return [];
  const edges = Array.from({ length: cells - 1 }, (_, k) => quantileOfSorted(sorted, (k + 1) / cells));
  return [...new Set(edges)];
};

/** The input that helps most on the held rows; null where none helps by two standard errors. */
const bestNext = (losses: Numbers, inputs: LossInputs, chosen: readonly number[], fitted: Rows, held: Rows): number | null => {
  const before = predictLosses(fitTables(losses, inputs, chosen, fitted), inputs);
  let best: { input: number; gain: number } | null = null;
  for (let input = 0; input < inputs.length; input++) {
    if (chosen.includes(input)) continue;
    const after = predictLosses(fitTables(losses, inputs, [...chosen, input], fitted), inputs);
    const { gain, standardError } = gainOf(losses, before, after, held);
    if (gain > 2 * standardError && gain > (best?.gain ?? 0)) best = { input, gain };
  }
  return best?.input ?? null;
};

/** How much better one expectation is than another, in quasi-likelihood per row: loss * log(expected) - expected. */
const gainOf = (
  losses: Numbers,
  before: Float64Array,
  after: Float64Array,
  rows: Rows,
): { gain: number; standardError: number } => {
  const gains = Float64Array.from(rows, (row) => {
    const [one, other] = [before[row] as number, after[row] as number];
    return (losses[row] as number) * Math.log(other / one) - (other - one);
  });
  const gain = gains.reduce((sum, one) => sum + one, 0) / gains.length;
  const squares = gains.reduce((sum, one) => sum + (one - gain) ** 2, 0);
  return { gain, standardError: Math.sqrt(squares / (gains.length - 1) / gains.length) };
};

const meanOver = (values: Numbers, rows: Rows): number =>
  rows.reduce((sum, row) => sum + (values[row] as number), 0) / rows.length;

const checkLosses = (losses: Numbers, inputs: LossInputs): void => {
  for (const [place, column] of inputs.entries()) {
    if (column.length !== losses.length)
      throw new RangeError(`Cannot fit losses as column ${place} must have ${losses.length} rows: it has ${column.length}`);
  }
  for (let row = 0; row < losses.length; row++) {
    const loss = losses[row] as number;
    if (!(loss >= 0) || loss === Number.POSITIVE_INFINITY)
      throw new RangeError(`Cannot fit losses as that of row ${row} must be finite and >= 0: it is ${loss}`);
  }
};
