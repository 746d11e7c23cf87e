import { ascendingOrder, type Numbers } from '../ranks.ts';

/**
 * The cell of each row, of cells of equal width: [k / cells, (k + 1) / cells), and 1 falls into the last.
 *
 * Source: definition.
 * @example cellsByWidth([0, 0.29, 1], 100) // Uint32Array [0, 29, 99]
 */
export const cellsByWidth = (probabilities: Numbers, cells: number): Uint32Array =>
  Uint32Array.from(probabilities, (probability) => {
    const cell = Math.floor(probability * cells);
    // The product may round to either side of an edge: 0.29 * 100 is below 29.
    const placed = probability >= (cell + 1) / cells ? cell + 1 : probability < cell / cells ? cell - 1 : cell;
    return Math.min(cells - 1, placed);
  });

/**
 * The cell of each row, of cells of equal row counts: the list sorted by probability is cut at floor(k n / cells), also
 * between rows of the same probability, which keep their order. With fewer rows than cells some cells are empty.
 *
 * Source: definition.
 * @example cellsByMass([0.9, 0.1, 0.5, 0.2, 0.3], 2) // Uint32Array [1, 0, 1, 0, 1]
 */
export const cellsByMass = (probabilities: Numbers, cells: number): Uint32Array => {
  const order = ascendingOrder(probabilities);
  const found = new Uint32Array(order.length);
  for (let cell = 0; cell < cells; cell++) {
    const [from, to] = [cell, cell + 1].map((edge) => Math.floor((edge * order.length) / cells));
    for (const row of order.subarray(from, to)) found[row] = cell;
  }
  return found;
};

/** Mean, over rows, of the distance between a cell's mean probability and its share of positives. 0 without rows. */
export const meanGap = (labels: Numbers, probabilities: Numbers, cellOfRow: Uint32Array, cells: number): number => {
  const gaps = new Float64Array(cells);
  for (let row = 0; row < cellOfRow.length; row++) {
    const cell = cellOfRow[row] as number;
    gaps[cell] = (gaps[cell] as number) + (probabilities[row] as number) - (labels[row] as number);
  }
  return cellOfRow.length === 0 ? 0 : gaps.reduce((sum, gap) => sum + Math.abs(gap), 0) / cellOfRow.length;
};

/** Throws RangeError for labels other than 0 and 1, probabilities outside [0, 1], and lists of different lengths. */
export const checkProbabilities = (labels: Numbers, probabilities: Numbers): void => {
  if (labels.length !== probabilities.length)
    throw new RangeError(
      `Cannot judge calibration as probabilities must be as many as labels, ${labels.length}: they are ${probabilities.length}`,
    );
  for (let row = 0; row < labels.length; row++) {
    const probability = probabilities[row] as number;
    if (labels[row] !== 0 && labels[row] !== 1)
      throw new RangeError(`Cannot judge calibration as the label of row ${row} must be 0 or 1: it is ${labels[row]}`);
    if (!(probability >= 0 && probability <= 1))
      throw new RangeError(`Cannot judge calibration as the probability of row ${row} must be in [0, 1]: it is ${probability}`);
  }
};

/** Throws RangeError unless there is a whole number of cells, at least one. */
export const checkCells = (cells: number): void => {
  if (!Number.isSafeInteger(cells) || cells < 1)
    throw new RangeError(`Cannot judge calibration as cells must be whole and >= 1: there are ${cells}`);
};
