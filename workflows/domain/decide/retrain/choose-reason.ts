import type { RetrainDecision, RetrainVeto } from '../../contracts/retrain-policy.ts';
import { sentenceOf } from '../judgement.ts';
import type { Standing } from './reasons.ts';
import type { VetoCheck } from './vetoes.ts';

/** A decision, but for what only the state knows. */
export type Choice = Omit<RetrainDecision, 'page' | 'counterfactual'>;

/**
 * The first reason that asks and meets no veto; else the first that asks, suppressed; else the first that stirs, and why
 * it does not ask. Reasons come in their order; `checksOf` gives the conditions of a run for one of them.
 */
export const chooseReason = (standings: readonly Standing[], checksOf: (standing: Standing) => VetoCheck[]): Choice => {
  const asking = standings
    .filter(({ status }) => status === 'asks')
    .map((standing) => ({ standing, checks: checksOf(standing) }));
  const free = asking.find(({ checks }) => checks.every(({ condition, overridden }) => condition.holds || overridden));
  if (free !== undefined) return choiceOf(free.standing.cure, free.standing, free.checks);
  const [vetoed] = asking;
  if (vetoed !== undefined) return choiceOf('suppressed', vetoed.standing, vetoed.checks);
  const stirring = standings.find(({ status }) => status !== 'quiet');
  if (stirring?.status === 'not re-armed') return choiceOf('suppressed', stirring, checksOf(stirring));
  return stirring === undefined ? nothing(standings, checksOf) : choiceOf('wait', stirring, []);
};

const choiceOf = (decision: Choice['decision'], standing: Standing, checks: readonly VetoCheck[]): Choice => {
  const broken = checks.filter(({ condition }) => !condition.holds);
  const vetoes: { veto: RetrainVeto; overridden: boolean }[] = broken.map(({ veto, overridden }) => ({ veto, overridden }));
  if (standing.status === 'not re-armed') vetoes.unshift({ veto: 'not re-armed', overridden: false });
  const why = standing.inequalities.map(sentenceOf).join('; ');
  const but = broken.map(({ condition, overridden }) => `${overridden ? 'set aside: ' : ''}${sentenceOf(condition)}`);
  return {
    decision,
    reason: standing.reason,
    sentence: [`${verbs[decision]} (${standing.reason}): ${why}`, ...but].join('; '),
    inequalities: [...standing.inequalities, ...checks.map(({ condition }) => condition)],
    vetoes,
    evidenceIds: [...standing.evidenceIds],
  };
};

const verbs: Readonly<Record<Choice['decision'], string>> = {
  retrain: 'Retrain',
  recalibrate: 'Recalibrate',
  wait: 'Wait',
  suppressed: 'Suppressed',
};

/** Nothing stirs: the numbers of every reason that was looked at, and where there is none, those of a run's conditions. */
const nothing = (standings: readonly Standing[], checksOf: (standing: Standing) => VetoCheck[]): Choice => {
  const none: Standing = { reason: 'nothing', cure: 'retrain', status: 'quiet', inequalities: [], evidenceIds: [] };
  const looked = standings.flatMap(({ inequalities }) => inequalities);
  const inequalities = looked.length > 0 ? looked : checksOf(none).map(({ condition }) => condition);
  return choiceOf('wait', { ...none, inequalities }, []);
};
