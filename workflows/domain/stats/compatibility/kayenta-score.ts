import type { KayentaLabel } from './kayenta-classify.ts';

export type KayentaMetric = {
  readonly group: string;
  readonly label: KayentaLabel;
  /** Failing it makes the whole score 0. */
  readonly critical?: boolean;
  /** Without data it counts as failed, instead of not at all. */
  readonly mustHaveData?: boolean;
};

export type KayentaScore = {
  /** 0 to 100; null for a group without data, which counts as 100. */
  readonly groups: Readonly<Record<string, number | null>>;
  readonly summary: number;
  readonly outcome: 'Pass' | 'Marginal' | 'Fail';
};

/**
 * Kayenta's score of a canary from the labels of its metrics: to compare with in simulations, never to decide.
 *
 * `weights` by group sum to 100. A failing critical metric, or metrics without data in half of all or more, make it 0. A
 * group without any data counts as fully passed: it fails open. Throws RangeError without metrics or for a group without a
 * weight.
 *
 * Source: Kayenta's weighted-sum scorer and threshold classifier, as read in its source and documentation.
 * Agrees with: test/golden/vectors.json "kayenta_score", 1e-9.
 */
export const kayentaScore = (
  metrics: readonly KayentaMetric[],
  weights: Readonly<Record<string, number>>,
  thresholds: { readonly pass: number; readonly marginal: number } = { pass: 95, marginal: 75 },
): KayentaScore => {
  if (metrics.length === 0) throw new RangeError('Cannot score a canary as there must be metrics: there are none');
  const names = [...new Set(metrics.map(({ group }) => group))];
  const groups = Object.fromEntries(
    names.map((name) => [name, scoreGroup(metrics.filter(({ group }) => group === name))] as const),
  );
  const weighted = names.reduce((sum, name) => sum + ((groups[name] ?? 100) * weightOf(weights, name)) / 100, 0);
  const silent = metrics.filter(({ label }) => label === 'Nodata').length;
  const isVoid = 2 * silent >= metrics.length || metrics.some((metric) => metric.critical === true && isFailure(metric));
  const summary = isVoid ? 0 : weighted;
  const outcome = summary >= thresholds.pass ? 'Pass' : summary >= thresholds.marginal ? 'Marginal' : 'Fail';
  return { groups, summary, outcome };
};

const isFailure = ({ label, mustHaveData }: KayentaMetric): boolean =>
  label === 'High' || label === 'Low' || (label === 'Nodata' && mustHaveData === true);

const scoreGroup = (metrics: readonly KayentaMetric[]): number | null => {
  const passed = metrics.filter(({ label }) => label === 'Pass').length;
  const counted = passed + metrics.filter(isFailure).length;
  return counted === 0 ? null : (100 * passed) / counted;
};

const weightOf = (weights: Readonly<Record<string, number>>, group: string): number => {
  const weight = weights[group];
  if (weight === undefined) throw new RangeError(`Cannot score a canary as group ${group} must have a weight: it has none`);
  return weight;
};
