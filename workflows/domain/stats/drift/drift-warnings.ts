import type { VariableDrift } from '../../contracts/drift-report.ts';
import type { ReferenceProfile } from '../../contracts/reference-profile.ts';

/** With fewer rows of the reference for each of the window, its own noise dominates the comparison. */
const fewestReferenceRowsPerRow = 5;

const naming = (names: readonly string[]): string =>
  `${names.slice(0, 3).join(', ')}${names.length > 3 ? ` and ${names.length - 3} more` : ''}`;

/**
 * What a reader of the report must know before believing its numbers: an unfair comparison, a reference that is small
 * beside the window, variables without a quiet history. In sentences, one for each kind; empty where there is nothing.
 */
export const driftWarnings = (
  profile: ReferenceProfile,
  variables: readonly VariableDrift[],
  unfair: string | null,
): string[] => {
  const measured = variables.filter(({ psi }) => psi !== null);
  const small = measured.filter(({ rows, referenceRows }) => referenceRows < fewestReferenceRowsPerRow * rows);
  const withoutQuiet = [...profile.features, ...profile.scores, ...(profile.predictions === null ? [] : [profile.predictions])]
    .filter(({ quiet }) => quiet === null)
    .map(({ name }) => name);
  return [
    ...(unfair === null ? [] : [unfair]),
    ...(small.length === 0 ? [] : [smallReference(small)]),
    ...(withoutQuiet.length === 0
      ? []
      : [`no quiet windows: rows are taken as independent, and p-values as those of a textbook (${naming(withoutQuiet)})`]),
  ];
};

const smallReference = (small: readonly VariableDrift[]): string => {
  const least = Math.min(...small.map(({ rows, referenceRows }) => referenceRows / rows));
  const names = naming(small.map(({ name }) => name));
  return `rows of the reference >= ${fewestReferenceRowsPerRow} for each of the window does not hold, least ${Number(least.toPrecision(3))}: its own noise dominates (${names})`;
};
