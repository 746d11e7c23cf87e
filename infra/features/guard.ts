import type { FeatureFrame, FeatureSet, FittedFeature } from '#domain/contracts/feature-set.ts';
import { PerennialError } from '#domain/errors.ts';
import { featureStrength } from '#domain/features/leakage.ts';
import type { LabelPlan } from './label.ts';
import type { MatrixSample } from './matrix.ts';

const columnsOf = (sample: MatrixSample, start: number, count: number): Float32Array[] => {
  const width = sample.rows === 0 ? 0 : sample.vectors.length / sample.rows;
  return Array.from({ length: count }, (_, output) => {
    const column = new Float32Array(sample.rows);
    for (let row = 0; row < sample.rows; row += 1) column[row] = sample.vectors[row * width + start + output] as number;
    return column;
  });
};

const isCategorical = (feature: FittedFeature): boolean =>
  ['one-hot', 'ordinal', 'hash'].includes(feature.transforms.at(-1)?.kind ?? '');

/**
 * Measures each feature alone against the label on training rows. Throws PRN_FEATURE_LEAKAGE naming the strongest
 * feature above `atMost`.
 */
export const guardAgainstLeakage = (
  featureSet: FeatureSet,
  sample: MatrixSample,
  label: LabelPlan,
  atMost: number,
): FeatureFrame['leakage'] => {
  const labels = { task: label.task, classes: label.classes.length, labels: sample.labels };
  let start = 0;
  const found = featureSet.features.map((feature) => {
    const columns = columnsOf(sample, start, feature.outputs.length);
    start += feature.outputs.length;
    const { strength, measure } = featureStrength(columns, isCategorical(feature), labels);
    // Five digits are more than the sample supports, and equal samples give equal texts.
    return { feature: feature.name, strength: Math.round(strength * 1e5) / 1e5, measure };
  });
  const [worst] = found.filter((each) => each.strength > atMost).sort((left, right) => right.strength - left.strength);
  if (worst === undefined) return found;
  throw new PerennialError(
    'PRN_FEATURE_LEAKAGE',
    `Cannot train on "${worst.feature}" as its ${worst.measure} alone must be at most ${atMost}: it is ${worst.strength}, ` +
      'so it most likely holds the label',
    { details: { ...worst, atMost } },
  );
};
