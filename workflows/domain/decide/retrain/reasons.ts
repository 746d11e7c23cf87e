import type {
  RetrainDecisionReason,
  RetrainObservation,
  RetrainPolicy,
  RetrainSignal,
  RetrainState,
} from '../../contracts/retrain-policy.ts';
import type { Inequality } from '../../contracts/verdict.ts';
import { dayMs } from '../../units.ts';
import { inequality } from '../judgement.ts';
import type { TriggerStatus } from './trigger.ts';

/** How a reason stands: it asks, or says why it does not. */
export type Standing = {
  readonly reason: RetrainDecisionReason;
  readonly cure: 'retrain' | 'recalibrate';
  readonly status: 'quiet' | 'pending' | 'not re-armed' | 'asks';
  readonly inequalities: readonly Inequality[];
  readonly evidenceIds: readonly string[];
};

export type Known = {
  readonly policy: RetrainPolicy;
  readonly state: RetrainState;
  readonly observation: RetrainObservation;
  readonly statuses: Readonly<Record<RetrainSignal, TriggerStatus>>;
};

/** All reasons that are switched on and known, in the order in which they are heard. */
export const standingsOf = (known: Known): Standing[] => {
  const { on } = known.policy;
  const standings = [
    on.includes('performance') ? ofSignal(known, 'performance') : null,
    on.includes('estimate') ? ofEstimate(known) : null,
    on.includes('drift') ? ofDrift(known) : null,
    on.includes('age') ? ofAge(known) : null,
    on.includes('new labels') ? ofNewLabels(known) : null,
    on.includes('performance') ? ofCalibration(known) : null,
    ofAsked(known),
  ];
  return standings.filter((standing) => standing !== null);
};

const standing = (
  reason: RetrainDecisionReason,
  status: Standing['status'],
  inequalities: readonly Inequality[],
  evidenceIds: readonly string[] = [],
): Standing => ({ reason, cure: 'retrain', status, inequalities, evidenceIds });

/** The trigger's inequalities, in the order in which the trigger asks them; as many as it came to. */
const ofSignal = ({ policy, state, observation, statuses }: Known, name: RetrainSignal): Standing | null => {
  const signal = observation.signals[name];
  const status = statuses[name];
  if (signal === null || status === 'unknown') return null;
  const { high, low, consecutive } = policy.triggers[name];
  const inequalities = [inequality(signal.what, signal.score, '>=', high)];
  if (status !== 'quiet' && consecutive > 1) {
    inequalities.push(inequality(`${signal.what}, times in a row`, state.triggers[name].inARow, '>=', consecutive));
  }
  if (status === 'not re-armed') inequalities.push(inequality(`${signal.what}, to be re-armed`, signal.score, '<', low));
  return standing(name, status === 'fires' ? 'asks' : status, inequalities, signal.evidenceIds);
};

/** The same reason with one more condition: where that does not hold, it no longer asks. */
const also = (found: Standing, condition: Inequality, evidenceIds: readonly string[] = []): Standing => ({
  ...found,
  status: found.status === 'asks' && !condition.holds ? 'pending' : found.status,
  inequalities: [...found.inequalities, condition],
  evidenceIds: [...found.evidenceIds, ...evidenceIds],
});

/** An estimate without labels rests on calibrated probabilities; without them it says nothing. */
const ofEstimate = (known: Known): Standing | null => {
  const found = ofSignal(known, 'estimate');
  const signal = known.observation.signals.estimate;
  if (found === null || signal === null || found.status === 'quiet') return found;
  return also(found, inequality('calibration error', signal.calibrationError, '<=', signal.calibrationLimit));
};

/** Drift is the reason to look; what a retrain would bring is the reason to retrain. */
const ofDrift = (known: Known): Standing | null => {
  const found = ofSignal(known, 'drift');
  const { gain } = known.observation;
  if (found === null || !known.policy.weighsGain || found.status === 'quiet') return found;
  if (gain === null) return also(found, inequality('estimates of the expected gain', 0, '>=', 1));
  return also(found, inequality('lower bound of the expected gain', gain.lower, '>', gain.cost), gain.evidenceIds);
};

const ofAge = ({ policy, state, observation }: Known): Standing => {
  const ageMs = state.lastMs - observation.trainedAtMs;
  const found = inequality('age of the model in days', ageMs / dayMs, '>=', policy.maxAgeMs / dayMs);
  return standing('age', found.holds ? 'asks' : 'quiet', [found]);
};

const ofNewLabels = ({ policy, observation }: Known): Standing | null => {
  if (observation.labels === null) return null;
  const { newRows, newRareRows, lastTrainingRows } = observation.labels;
  const enough = Math.max(1, Math.ceil(policy.newLabels.share * lastTrainingRows));
  const all = inequality('new labelled rows', newRows, '>=', enough);
  if (newRareRows === null) return standing('new labels', all.holds ? 'asks' : 'quiet', [all]);
  const rare = inequality('new labelled rows of the rarest class', newRareRows, '>=', policy.newLabels.rareRows);
  return standing('new labels', all.holds || rare.holds ? 'asks' : 'quiet', [all, rare]);
};

/**
 * Where the ranking holds and only the probabilities moved, the cure is to map them anew: minutes, not a training. Where
 * that was tried and did not help, it is to retrain.
 */
const ofCalibration = (known: Known): Standing | null => {
  const found = ofSignal(known, 'calibration');
  const { performance: ranking } = known.observation.signals;
  if (found === null || found.status === 'quiet') return found;
  if (ranking === null) return also(found, inequality('measured windows of performance', 0, '>=', 1));
  const { performance: trigger } = known.policy.triggers;
  const holds = inequality(ranking.what, ranking.score, '<', trigger.high);
  return { ...also(found, holds), cure: known.state.recalibrationFailed ? 'retrain' : 'recalibrate' };
};

const ofAsked = ({ observation }: Known): Standing | null =>
  observation.asked === null ? null : standing('asked', 'asks', [inequality('requests', 1, '>=', 1)]);
