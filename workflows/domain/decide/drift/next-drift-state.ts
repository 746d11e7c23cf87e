import type { DriftReport } from '../../contracts/drift-report.ts';
import type {
  DriftJudgement,
  DriftMemory,
  DriftObservation,
  DriftPolicy,
  ObservedVariable,
  VariableMemory,
} from '../../contracts/drift-state.ts';
import type { Inequality, Verdict, VerdictOutcome } from '../../contracts/verdict.ts';
import { sentenceOf } from '../judgement.ts';
import { datasetAlarm, type Placed } from './dataset-alarm.ts';
import { type NextVariable, newVariable, nextVariable, uncounted } from './next-variable.ts';

/** Nothing judged yet. A new profile is a new model version: what was remembered of the old one says nothing about it. */
export const startDriftMemory = (profile: {
  readonly sha256: DriftMemory['profileSha256'];
  readonly features: number;
  readonly predictions: number;
}): DriftMemory => ({
  profileSha256: profile.sha256,
  judgedUntil: null,
  alarm: false,
  features: Array.from({ length: profile.features }, () => newVariable),
  predictions: Array.from({ length: profile.predictions }, () => newVariable),
});

/**
 * Judges one window and says what to remember: a pure automaton, (memory, observation) to (memory, verdict). Time is the
 * window's own. Compares numbers that were measured elsewhere, so it replays the same everywhere; does not throw.
 *
 * The verdict fails while the alarm holds (see `datasetAlarm`), and `raised` marks the window with which it began. A
 * window with a breach of data quality is inconclusive and counts for no variable: what is broken is data, not the world,
 * and a model trained on it would be the worst that could follow. So is a window in which so few variables have rows enough
 * that no change of them could alarm; where some lack rows and no alarm holds, the reason says of how many it speaks. A
 * window of another profile, or one that does not follow those judged, is an error. In all of these the memory keeps its
 * states; after an error it is unchanged.
 */
export const nextDriftState = (policy: DriftPolicy, memory: DriftMemory, observation: DriftObservation): DriftJudgement => {
  const mistake = mistakeOf(memory, observation);
  if (mistake !== null) return unchanged(memory, observation, 'error', mistake, memory);
  const judged = { ...memory, judgedUntil: observation.to };
  const { breaches } = observation;
  if (breaches.length > 0) return unchanged(memory, observation, 'inconclusive', brokenData(breaches), judged);
  const features = observation.features.map((one, at) => nextVariable(policy, memory.features[at] as VariableMemory, one));
  const predictions = observation.predictions.map((one, at) =>
    nextVariable(policy, memory.predictions[at] as VariableMemory, one),
  );
  const next = { ...judged, features: features.map(memoryOf), predictions: predictions.map(memoryOf) };
  const groups = { features: features.map(judgedOf), predictions: predictions.map(judgedOf) };
  const placed = { features: place(observation.features, features), predictions: place(observation.predictions, predictions) };
  const found = datasetAlarm(policy, placed.features, placed.predictions);
  const alarm = found.some(({ holds }) => holds);
  const seen = seenOf(observation);
  if (seen.count === 0 || !(alarm || couldAlarm(policy, placed)))
    return { verdict: verdictOf('inconclusive', tooLittle(seen)), raised: false, ...groups, memory: next };
  const evidenceIds = evidenceOf([...placed.predictions, ...placed.features]);
  return {
    verdict: { ...alarmVerdict(alarm, found, seen), evidenceIds },
    raised: alarm && !memory.alarm,
    ...groups,
    memory: { ...next, alarm },
  };
};

const memoryOf = ({ memory }: NextVariable): VariableMemory => memory;
const judgedOf = ({ judged }: NextVariable) => judged;
const place = (observed: readonly ObservedVariable[], next: readonly NextVariable[]): Placed[] =>
  observed.map((one, at) => ({ observed: one, memory: (next[at] as NextVariable).memory }));

/** What the alarm, or its absence, rests on: the variables in drift. */
const evidenceOf = (placed: readonly Placed[]): string[] =>
  placed.flatMap(({ observed, memory }) =>
    memory.phase === 'drift' && observed.evidenceId !== null ? [observed.evidenceId] : [],
  );

const mistakeOf = (memory: DriftMemory, observation: DriftObservation): string | null => {
  if (observation.profileSha256 !== memory.profileSha256)
    return `the window must be counted against profile ${memory.profileSha256}: it is against ${observation.profileSha256}`;
  const [features, predictions] = [observation.features.length, observation.predictions.length];
  if (features !== memory.features.length || predictions !== memory.predictions.length)
    return `the window must have ${memory.features.length} features and ${memory.predictions.length} predictions: it has ${features} and ${predictions}`;
  // Instants of one form and zone order as their text does.
  if (memory.judgedUntil !== null && observation.from < memory.judgedUntil)
    return `the window must begin at ${memory.judgedUntil} or later, where the last one ended: it begins at ${observation.from}`;
  return null;
};

/** Nothing is learnt from this window. */
const unchanged = (
  memory: DriftMemory,
  observation: DriftObservation,
  outcome: 'error' | 'inconclusive',
  reason: string,
  next: DriftMemory,
): DriftJudgement => {
  const why = outcome === 'error' ? 'the window is not judged' : 'the data of the window are broken';
  const shown = (observed: readonly ObservedVariable[], memories: readonly VariableMemory[]) =>
    observed.map(({ name }, at) => uncounted(name, memories[at] ?? newVariable, why).judged);
  const groups = {
    features: shown(observation.features, memory.features),
    predictions: shown(observation.predictions, memory.predictions),
  };
  return { verdict: verdictOf(outcome, reason), raised: false, ...groups, memory: next };
};

const verdictOf = (outcome: VerdictOutcome, reason: string, inequalities: readonly Inequality[] = []): Verdict => ({
  outcome,
  reason,
  inequalities: [...inequalities],
  evidenceIds: [],
});

/** Variables with rows enough in this window, of all that are watched. */
type Seen = { readonly count: number; readonly of: number };

const seenOf = ({ features, predictions }: DriftObservation): Seen => {
  const all = [...features, ...predictions];
  return { count: all.filter(({ measured }) => measured !== null).length, of: all.length };
};

/** Would there be an alarm if all that has rows enough had drifted? */
const couldAlarm = (policy: DriftPolicy, { features, predictions }: { features: Placed[]; predictions: Placed[] }): boolean => {
  const drifted = ({ observed, memory }: Placed): Placed =>
    observed.measured === null ? { observed, memory } : { observed, memory: { ...memory, phase: 'drift' } };
  return datasetAlarm(policy, features.map(drifted), predictions.map(drifted)).some(({ holds }) => holds);
};

const alarmVerdict = (alarm: boolean, found: readonly Inequality[], { count, of }: Seen): Verdict => {
  const told = found.filter(({ holds }) => holds === alarm).map(sentenceOf);
  const none = count === of ? 'No drift' : `No drift in the ${count} of ${of} variables with rows enough`;
  return verdictOf(alarm ? 'fail' : 'pass', `${alarm ? 'Drift' : none}: ${told.join('; ')}`, found);
};

/** Breaches told in a reason; the report has all. */
const breachesTold = 3;

const brokenData = (breaches: DriftReport['breaches']): string => {
  const told = breaches.slice(0, breachesTold).map(({ variable, statement }) => `${variable ?? 'window'}: ${statement}`);
  const more = breaches.length > breachesTold ? `; and ${breaches.length - breachesTold} more` : '';
  return `Data, not drift: ${told.join('; ')}${more}`;
};

const tooLittle = ({ count, of }: Seen): string =>
  count === 0
    ? `Too few rows: variables with rows enough 0 >= 1 of ${of} does not hold`
    : `Too few rows: drift in the ${count} of ${of} variables with rows enough could raise no alarm`;
