import { checkAmount } from './check.ts';
import { type BestPeriod, bestPeriodUnderDecay, costUnderDecay } from './smooth-decay.ts';

/** A world that stays the same until it changes at once; a model trained before the change loses until it is replaced. */
export type AbruptChanges = {
  readonly costPerRun: number;
  /** Value that an outdated model loses per day. */
  readonly lossPerDay: number;
  /** One over the mean number of days between two changes. */
  readonly changesPerDay: number;
};

/** How well changes are noticed. */
export type Alertness = {
  /** Days from a change to the replaced model. */
  readonly delayDays: number;
  /** Alarms without a change; each costs a run. */
  readonly falseAlarmsPerDay: number;
};

/** A change that falls anywhere into a period waits for half of it: so a schedule sees abrupt changes as even decay. */
const asDecay = ({ costPerRun, lossPerDay, changesPerDay }: AbruptChanges) => {
  checkAmount('weigh a schedule', 'the loss per day', lossPerDay);
  checkAmount('weigh a schedule', 'the rate of changes', changesPerDay);
  return { costPerRun, decayPerDay: lossPerDay * changesPerDay };
};

/**
 * Cost per day of retraining every so many days under abrupt changes. Meant for periods that rarely see two changes:
 * it counts the loss of each. Throws RangeError for a period that is not above 0, or a negative or infinite amount.
 *
 * Source: definition: C / T + lambda L T / 2.
 * @example costOfSchedule({ costPerRun: 40, lossPerDay: 20, changesPerDay: 0.01 }, 20) // 4
 */
export const costOfSchedule = (changes: AbruptChanges, periodDays: number): number =>
  costUnderDecay(asDecay(changes), periodDays);

/**
 * The fixed period that costs least under abrupt changes. Edges and throws as `bestPeriodUnderDecay`.
 *
 * Source: the minimum of C / T + lambda L T / 2.
 * Agrees with: test/golden/vectors.json "economics", 1e-9.
 * @example bestSchedule({ costPerRun: 40, lossPerDay: 20, changesPerDay: 1 / 60 }).costPerDay // 5.163977794...
 */
export const bestSchedule = (changes: AbruptChanges): BestPeriod => bestPeriodUnderDecay(asDecay(changes));

/**
 * Cost per day of retraining at each alarm: a run and the delay's loss for each change, and a run for each false alarm.
 * Throws RangeError for a negative or infinite amount.
 *
 * Source: definition: lambda (C + d L) + f C.
 * Agrees with: test/golden/vectors.json "economics", 1e-9.
 * @example costOfTrigger({ costPerRun: 40, lossPerDay: 20, changesPerDay: 1 / 60 }, { delayDays: 2, falseAlarmsPerDay: 1 / 90 }) // 1.777777777...
 */
export const costOfTrigger = (changes: AbruptChanges, { delayDays, falseAlarmsPerDay }: Alertness): number => {
  const { costPerRun, lossPerDay, changesPerDay } = changes;
  const amounts = { 'the cost of a run': costPerRun, 'the loss per day': lossPerDay, 'the rate of changes': changesPerDay };
  const alarm = { 'the delay': delayDays, 'the rate of false alarms': falseAlarmsPerDay };
  for (const [what, value] of Object.entries({ ...amounts, ...alarm })) checkAmount('weigh a trigger', what, value);
  return changesPerDay * (costPerRun + delayDays * lossPerDay) + falseAlarmsPerDay * costPerRun;
};

/**
 * False alarms per day up to which a trigger costs no more than the best schedule: the figure that decides whether a
 * trigger is worth having. Null where the schedule wins even against a trigger without false alarms; so also where runs
 * cost nothing. Throws as `costOfTrigger`.
 *
 * Source: definition: (cost of the best schedule - cost of the trigger at f = 0) / C.
 * Agrees with: test/golden/economics.json, root of the difference by `scipy.optimize.brentq`, 1e-9.
 * @example bearableFalseAlarms({ costPerRun: 40, lossPerDay: 20, changesPerDay: 1 / 60 }, 2) // 0.0957661115...
 */
export const bearableFalseAlarms = (changes: AbruptChanges, delayDays: number): number | null => {
  const gained = bestSchedule(changes).costPerDay - costOfTrigger(changes, { delayDays, falseAlarmsPerDay: 0 });
  return gained < 0 || changes.costPerRun === 0 ? null : gained / changes.costPerRun;
};
