import type { DriftPolicy, ObservedVariable, VariableMemory } from '../../contracts/drift-state.ts';
import type { Inequality } from '../../contracts/verdict.ts';
import { inequality } from '../judgement.ts';

/** A variable as it was observed, with its state after this window. */
export type Placed = { readonly observed: ObservedVariable; readonly memory: VariableMemory };

const inDrift = ({ memory }: Placed): boolean => memory.phase === 'drift';
const sumOf = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0);

/**
 * The inequalities of which one is enough for an alarm: critical features in drift, predictions in drift, and the share of
 * features in drift. All are returned; those that hold are the reasons.
 *
 * A share weighs features by importance, and equally where any importance is unknown or all are zero. Features with too
 * few rows keep the phase they had and stay in the whole, so one feature alone with rows is not all of them. Without
 * features the share is 0.
 */
export const datasetAlarm = (
  policy: DriftPolicy,
  features: readonly Placed[],
  predictions: readonly Placed[],
): readonly Inequality[] => {
  const critical = features.filter((one) => one.observed.critical && inDrift(one));
  return [
    ...(policy.criticalAlone ? [inequality(naming('critical features in drift', critical), critical.length, '>', 0)] : []),
    ...(policy.predictionsAlone ? [predictionsInequality(predictions)] : []),
    shareInequality(policy, features),
  ];
};

const predictionsInequality = (predictions: readonly Placed[]): Inequality => {
  const drifted = predictions.filter(inDrift);
  return inequality(naming('scores or predicted classes in drift', drifted), drifted.length, '>', 0);
};

const shareInequality = (policy: DriftPolicy, features: readonly Placed[]): Inequality => {
  const importances = features.map(({ observed }) => observed.importance);
  const areKnown = importances.every((one) => one !== null) && importances.some((one) => (one ?? 0) > 0);
  const isWeighed = policy.weights === 'importance' && areKnown;
  const weights = isWeighed ? importances.map((one) => one ?? 0) : features.map(() => 1);
  const whole = sumOf(weights);
  const drifted = sumOf(features.map((one, at) => (inDrift(one) ? (weights[at] as number) : 0)));
  const what = isWeighed ? 'share of importance of the features in drift' : 'share of features in drift';
  return inequality(naming(what, features.filter(inDrift)), whole === 0 ? 0 : drifted / whole, '>=', policy.share);
};

/** "critical features in drift (age, income)". */
const naming = (what: string, variables: readonly Placed[]): string => {
  const names = variables.map(({ observed }) => observed.name);
  const more = names.length > 3 ? ` and ${names.length - 3} more` : '';
  return names.length === 0 ? what : `${what} (${names.slice(0, 3).join(', ')}${more})`;
};
