/** Learns the parameters of transforms from summaries of the training rows. Pure: who counted the rows is not its business. */
import type { FittedFeature, FittedTransform } from '../contracts/feature-set.ts';
import { PerennialError } from '../errors.ts';
import type { FeaturePlan } from './plan.ts';

/** Of the values of a feature (after its date part) that are there; infinities count as missing. */
export type NumericSummary = {
  readonly kind: 'numeric';
  readonly present: number;
  /** null where nothing is present. */
  readonly median: number | null;
  readonly mean: number | null;
  readonly mode: number | null;
  readonly standardDeviation: number | null;
  readonly min: number | null;
  readonly max: number | null;
};

/** Rows and the sum of their labels, in one fold. */
export type FoldCount = { readonly rows: number; readonly labelSum: number };
export type CategoryCount = {
  readonly category: string;
  readonly rows: number;
  /** By fold; empty where the feature is not target encoded. */
  readonly folds: readonly FoldCount[];
};
export type CategorySummary = { readonly kind: 'category'; readonly values: readonly CategoryCount[] };
export type FeatureSummary = NumericSummary | CategorySummary;

/** All training rows, by fold. */
export type LabelTotals = { readonly folds: readonly FoldCount[] };

export type FitResult = {
  /** What is served: fitted on all training rows. */
  readonly feature: FittedFeature;
  /** For the training rows of fold i: what they must not see of themselves is left out. null: the same as `feature`. */
  readonly byFold: readonly FittedFeature[] | null;
};

const invalid = (name: string, problem: string): PerennialError =>
  new PerennialError('PRN_FEATURE_INVALID', `Cannot fit the feature "${name}" as ${problem}`, { details: { input: name } });

const byText = (left: string, right: string): number => (left < right ? -1 : left > right ? 1 : 0);

/** Categories that are common enough, in the order of their texts, so that equal data gives equal codes. */
const keptCategories = (summary: CategorySummary, minCount: number): CategoryCount[] =>
  summary.values.filter((value) => value.rows >= minCount).toSorted((left, right) => byText(left.category, right.category));

const add = (left: FoldCount, right: FoldCount): FoldCount => ({
  rows: left.rows + right.rows,
  labelSum: left.labelSum + right.labelSum,
});
const nothing: FoldCount = { rows: 0, labelSum: 0 };

/** Sum over all folds but one; -1 leaves none out. */
const withoutFold = (folds: readonly FoldCount[], left: number): FoldCount =>
  folds.reduce((sum, fold, index) => (index === left ? sum : add(sum, fold)), nothing);

/**
 * Smoothed mean of the label by category: (sum + smoothing * overall) / (rows + smoothing). A category without rows
 * in these folds has the overall mean.
 * Source: Micci-Barreca (2001), "A preprocessing scheme for high-cardinality categorical attributes", eq. 3 with n/(n+m).
 */
const targetTransform = (
  values: readonly CategoryCount[],
  totals: LabelTotals,
  smoothing: number,
  leftOut: number,
): FittedTransform => {
  const total = withoutFold(totals.folds, leftOut);
  const overall = total.rows === 0 ? 0 : total.labelSum / total.rows;
  const means = values.map((value) => {
    const { rows, labelSum } = withoutFold(value.folds, leftOut);
    return rows + smoothing === 0 ? overall : (labelSum + smoothing * overall) / (rows + smoothing);
  });
  return { kind: 'target', categories: values.map((value) => value.category), means, overall };
};

/** The most frequent category; of equally frequent ones the first by text. */
const modeOf = (summary: CategorySummary): string | null => {
  let best: CategoryCount | null = null;
  for (const value of summary.values) {
    const isBetter = best === null || value.rows > best.rows || (value.rows === best.rows && value.category < best.category);
    if (isBetter) best = value;
  }
  return best?.category ?? null;
};

type Parts = { readonly transforms: FittedTransform[]; readonly outputs: string[] };

const encodeParts = (plan: FeaturePlan, summary: CategorySummary, totals: LabelTotals, leftOut: number): Parts => {
  const kept = keptCategories(summary, plan.minCount);
  const categories = kept.map((value) => value.category);
  switch (plan.encode) {
    case 'one-hot': {
      const outputs = [...categories.map((category) => `${plan.name}=${category}`), `${plan.name}=(other)`];
      return { transforms: [{ kind: 'one-hot', categories, other: true }], outputs };
    }
    case 'target':
      return { transforms: [targetTransform(kept, totals, plan.smoothing, leftOut)], outputs: [plan.name] };
    case 'hash':
      return { transforms: [{ kind: 'hash', buckets: plan.buckets }], outputs: [plan.name] };
    case 'ordinal':
    case null:
    default:
      return { transforms: [{ kind: 'ordinal', categories }], outputs: [plan.name] };
  }
};

const categoryImpute = (plan: FeaturePlan, summary: CategorySummary): FittedTransform[] => {
  if (plan.impute === null) return [];
  if (plan.impute.kind === 'constant') return [{ kind: 'impute', value: plan.impute.value }];
  const mode = modeOf(summary);
  if (mode === null)
    throw invalid(plan.name, 'a training row must have a value, from which the mode is learned: all are missing');
  return [{ kind: 'impute', value: mode }];
};

const datePart = (plan: FeaturePlan): FittedTransform[] => (plan.part === null ? [] : [{ kind: 'date-part', part: plan.part }]);

const fitCategory = (plan: FeaturePlan, summary: CategorySummary, totals: LabelTotals, leftOut: number): FittedFeature => {
  const { transforms, outputs } = encodeParts(plan, summary, totals, leftOut);
  return {
    name: plan.name,
    source: plan.source,
    transforms: [...datePart(plan), ...categoryImpute(plan, summary), ...transforms],
    outputs,
  };
};

/** A statistic that fills missing values; nothing can be learned from a column without values. */
const learned = (plan: FeaturePlan, value: number | null): number => {
  if (value === null) {
    throw invalid(
      plan.name,
      'a training row must have a value, from which impute is learned: all are missing; give a constant or leave it out',
    );
  }
  return value;
};

type Others = (name: string) => { readonly plan: FeaturePlan; readonly summary: NumericSummary };

const constantOf = (plan: FeaturePlan, summary: NumericSummary): number | null => {
  if (plan.impute?.kind === 'constant') return Number(plan.impute.value);
  if (plan.impute?.kind === 'mean') return summary.mean;
  if (plan.impute?.kind === 'mode') return summary.mode;
  return summary.median;
};

const numericImpute = (plan: FeaturePlan, summary: NumericSummary, others: Others): FittedTransform[] => {
  if (plan.impute === null) return [];
  if (plan.impute.kind !== 'input') return [{ kind: 'impute', value: learned(plan, constantOf(plan, summary)) }];
  const other = others(plan.impute.name);
  const otherwise = constantOf(other.plan, other.summary) ?? summary.median ?? 0;
  return [{ kind: 'impute-from', source: other.plan.source, otherwise }];
};

/** A constant column has no spread to divide by; it becomes 0 everywhere. */
const scaleOf = (plan: FeaturePlan, summary: NumericSummary): FittedTransform[] => {
  if (plan.scale === 'none') return [];
  if (summary.mean === null)
    throw invalid(plan.name, 'a training row must have a value, from which its scale is learned: all are missing');
  const spread = summary.standardDeviation ?? 0;
  return plan.scale === 'standard'
    ? [{ kind: 'standard-scale', mean: summary.mean, standardDeviation: spread > 0 ? spread : 1 }]
    : [{ kind: 'min-max-scale', min: summary.min as number, max: summary.max as number }];
};

const fitNumber = (plan: FeaturePlan, summary: NumericSummary, others: Others): FittedFeature => ({
  name: plan.name,
  source: plan.source,
  transforms: [
    ...datePart(plan),
    ...(plan.kind === 'boolean' ? [{ kind: 'boolean' as const }] : []),
    ...numericImpute(plan, summary, others),
    ...scaleOf(plan, summary),
  ],
  outputs: [plan.name],
});

/**
 * Fits all features. `summaries` stand in the order of `plans`: numeric for numbers, truths and date parts that are not
 * encoded, category for all that are. Target encoding is out of fold for training rows; the served state uses all rows.
 * Throws PRN_FEATURE_INVALID where there is nothing to learn from.
 */
export const fitFeatures = (
  plans: readonly FeaturePlan[],
  summaries: readonly FeatureSummary[],
  totals: LabelTotals,
): readonly FitResult[] => {
  const others: Others = (name) => {
    const index = plans.findIndex((plan) => plan.name === name);
    return { plan: plans[index] as FeaturePlan, summary: summaries[index] as NumericSummary };
  };
  return plans.map((plan, index) => {
    const summary = summaries[index] as FeatureSummary;
    if (summary.kind === 'numeric') return { feature: fitNumber(plan, summary, others), byFold: null };
    const feature = fitCategory(plan, summary, totals, -1);
    if (plan.encode !== 'target') return { feature, byFold: null };
    return { feature, byFold: totals.folds.map((_, fold) => fitCategory(plan, summary, totals, fold)) };
  });
};
