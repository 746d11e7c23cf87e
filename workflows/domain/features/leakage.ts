/** How well one feature alone predicts the label: what is too good to be true is most often the label itself. */

export type LeakageTask = 'binary' | 'multiclass' | 'regression';
export type LeakageSample = {
  readonly task: LeakageTask;
  /** Number of classes; 0 for regression. */
  readonly classes: number;
  /** `[n]` class index or value. */
  readonly labels: Float32Array;
};
export type Strength = { readonly strength: number; readonly measure: string };

/** Missing values rank below all others: that a value is missing can itself give the label away. */
const ranked = (value: number): number => (Number.isNaN(value) ? Number.NEGATIVE_INFINITY : value);

const orderOf = (values: Float32Array): Uint32Array => {
  const order = new Uint32Array(values.length);
  for (let index = 0; index < order.length; index += 1) order[index] = index;
  return order.sort((left, right) => {
    const a = ranked(values[left] as number);
    const b = ranked(values[right] as number);
    return a < b ? -1 : a > b ? 1 : 0;
  });
};

/**
 * Area under the ROC curve of a score for "label is `positive`", ties counted half, by ranks; in [0, 1].
 * 0.5 where one side has no rows.
 * Source: Mann and Whitney (1947); Hanley and McNeil (1982), "The meaning and use of the area under a ROC curve".
 */
const areaUnderCurve = (order: Uint32Array, values: Float32Array, labels: Float32Array, positive: number): number => {
  let positives = 0;
  let rankSum = 0;
  for (let start = 0; start < order.length; ) {
    const value = ranked(values[order[start] as number] as number);
    let end = start;
    let positivesHere = 0;
    while (end < order.length && ranked(values[order[end] as number] as number) === value) {
      if (labels[order[end] as number] === positive) positivesHere += 1;
      end += 1;
    }
    rankSum += positivesHere * ((start + 1 + end) / 2);
    positives += positivesHere;
    start = end;
  }
  const negatives = order.length - positives;
  if (positives === 0 || negatives === 0) return 0.5;
  return (rankSum - (positives * (positives + 1)) / 2) / (positives * negatives);
};

/** Either direction counts. Several classes: mean over them, each against the rest, weighted by rows. */
const rankStrength = (values: Float32Array, sample: LeakageSample): number => {
  const order = orderOf(values);
  const best = (positive: number): number => {
    const area = areaUnderCurve(order, values, sample.labels, positive);
    return Math.max(area, 1 - area);
  };
  if (sample.task === 'binary') return best(1);
  const counts = new Float64Array(sample.classes);
  for (const label of sample.labels) counts[label] = (counts[label] as number) + 1;
  return counts.reduce((sum, count, label) => sum + (count === 0 ? 0 : (count / sample.labels.length) * best(label)), 0);
};

/** Share of the label's variance that a straight line through the feature explains: squared correlation. Missing are left out. */
const linearR2 = (values: Float32Array, labels: Float32Array): number => {
  let [count, meanX, meanY, sumXX, sumYY, sumXY] = [0, 0, 0, 0, 0, 0];
  for (let index = 0; index < values.length; index += 1) {
    const x = values[index] as number;
    const y = labels[index] as number;
    if (Number.isNaN(x)) continue;
    count += 1;
    const dx = x - meanX;
    const dy = y - meanY;
    meanX += dx / count;
    meanY += dy / count;
    sumXX += dx * (x - meanX);
    sumYY += dy * (y - meanY);
    sumXY += dx * (y - meanY);
  }
  return count < 3 || sumXX === 0 || sumYY === 0 ? 0 : (sumXY * sumXY) / (sumXX * sumYY);
};

type GroupMeans = Map<number, { rows: number; sum: number }>;

/** Every other row would not do: labels may alternate. */
const halfOf = (index: number): 0 | 1 => ((Math.imul(index + 1, 0x9e3779b1) >>> 16) & 1) as 0 | 1;

const meansOfHalf = (keys: Float32Array, target: (index: number) => number, half: number): GroupMeans => {
  const groups: GroupMeans = new Map();
  for (let index = 0; index < keys.length; index += 1) {
    if (halfOf(index) !== half) continue;
    const key = keys[index] as number;
    const group = groups.get(key) ?? { rows: 0, sum: 0 };
    group.rows += 1;
    group.sum += target(index);
    groups.set(key, group);
  }
  return groups;
};

/**
 * Mean of the target in each row's group, learned from the other half of the rows: a group of one row then tells
 * nothing about that row, and an identifier is not taken for the label.
 */
const crossFitted = (keys: Float32Array, target: (index: number) => number): Float32Array => {
  const halves = [meansOfHalf(keys, target, 1), meansOfHalf(keys, target, 0)] as const;
  let total = 0;
  for (let index = 0; index < keys.length; index += 1) total += target(index);
  const overall = total / Math.max(1, keys.length);
  return Float32Array.from(keys, (key, index) => {
    const group = halves[halfOf(index)].get(key);
    return group === undefined ? overall : group.sum / group.rows;
  });
};

const groupStrength = (keys: Float32Array, sample: LeakageSample): number => {
  const { labels, task } = sample;
  if (task === 'regression')
    return linearR2(
      crossFitted(keys, (index) => labels[index] as number),
      labels,
    );
  const areaOf = (positive: number): number => {
    const rates = crossFitted(keys, (index) => (labels[index] === positive ? 1 : 0));
    return areaUnderCurve(orderOf(rates), rates, labels, positive);
  };
  if (task === 'binary') return areaOf(1);
  const counts = new Float64Array(sample.classes);
  for (const label of labels) counts[label] = (counts[label] as number) + 1;
  return counts.reduce((sum, count, label) => sum + (count === 0 ? 0 : (count / labels.length) * areaOf(label)), 0);
};

/**
 * Strength of one feature alone on a sample of training rows. `columns` are its outputs, `[n]` each. A categorical
 * feature is judged by the target rate of its categories, any other by its ranks (or its line, for regression).
 * Classes: ROC AUC in [0.5, 1]. Regression: R2 in [0, 1].
 */
export const featureStrength = (columns: readonly Float32Array[], isCategorical: boolean, sample: LeakageSample): Strength => {
  const measure = sample.task === 'regression' ? 'r2' : 'roc_auc';
  const own = columns.map((column) =>
    sample.task === 'regression' ? linearR2(column, sample.labels) : rankStrength(column, sample),
  );
  const strengths = isCategorical ? [groupStrength(groupKeys(columns), sample)] : own;
  return { strength: Math.max(sample.task === 'regression' ? 0 : 0.5, ...strengths), measure };
};

/** One number for each row's category: the value itself, or which of several indicators is on. */
const groupKeys = (columns: readonly Float32Array[]): Float32Array => {
  if (columns.length === 1) return columns[0] as Float32Array;
  const keys = new Float32Array((columns[0] as Float32Array).length).fill(-1);
  columns.forEach((column, output) => {
    for (let index = 0; index < keys.length; index += 1) if (column[index] === 1) keys[index] = output;
  });
  return keys;
};
