import type {
  CellCounts,
  ProfiledFeature,
  ProfiledVariable,
  ReferenceProfile,
  WindowCounts,
} from '../../contracts/reference-profile.ts';
import type { Subject } from './drift-evidence.ts';

/** What a window counted of one variable. */
export type Counted = WindowCounts['features'][number];

/** A variable of the profile beside what the window counted of it. */
export type Watched<Variable extends ProfiledVariable = ProfiledVariable> = {
  readonly subject: Subject;
  readonly variable: Variable;
  readonly counted: Counted;
};

/** Both have the same variables in the same order: `checkWindow` saw to it. */
export const watchedFeatures = (profile: ReferenceProfile, window: WindowCounts): Watched<ProfiledFeature>[] =>
  profile.features.map((variable, at) => ({
    subject: { role: 'feature', name: variable.name },
    variable,
    counted: window.features[at] as Counted,
  }));

/** Scores, then predicted classes: what the model says, as one question. */
export const watchedPredictions = (profile: ReferenceProfile, window: WindowCounts): Watched[] => {
  const scores = profile.scores.map((variable, at): Watched => {
    const subject = { role: 'score', name: variable.name } as const;
    return { subject, variable, counted: window.scores[at] as Counted };
  });
  const variable = profile.predictions;
  if (variable === null) return scores;
  const subject = { role: 'predicted class', name: variable.name } as const;
  const counted = { counts: window.predictions as CellCounts, outside: 0, moments: null };
  return [...scores, { subject, variable, counted }];
};
