import { retrainSchema } from '#domain/contracts/pipeline-spec/operation.ts';
import type { RetrainPolicy } from '#domain/contracts/retrain-policy.ts';
import { retrainPolicyOf } from '#domain/decide/retrain/retrain-policy.ts';
import { bestSchedule } from '#domain/stats/economics/abrupt-changes.ts';
import { accountSchedule } from '#domain/stats/economics/account-schedule.ts';
import { bestPeriodUnderDecay } from '#domain/stats/economics/smooth-decay.ts';
import type { Random } from '#domain/stats/random.ts';
import { abruptPath, everyRawPValue, liveYear, ours, type Rule, scheduleEvery, smoothPath, worth } from '../retrain/worlds.ts';
import { chance, type Finding, type Measured, type Scenario, type Target } from '../scenario.ts';

const { costPerRun } = worth;

type World = { readonly name: string; readonly path: (random: Random) => number[]; readonly bestDays: number };

const abrupt = (name: string, everyDays: number): World => {
  const changes = { costPerRun, lossPerDay: 20, changesPerDay: 1 / everyDays };
  return {
    name,
    path: (random) => abruptPath(random, changes.lossPerDay, changes.changesPerDay),
    bestDays: Math.round(bestSchedule(changes).days as number),
  };
};
const smooth: World = {
  name: 'smooth decay',
  path: () => smoothPath(0.5),
  bestDays: Math.round(bestPeriodUnderDecay({ costPerRun, decayPerDay: 0.5 }).days as number),
};
const rare = abrupt('abrupt changes every 60 days', 60);
const frequent = abrupt('abrupt changes every 3 days', 3);
// Nothing ages here; what a team retrains by that knows nothing is the calendar.
const still: World = { name: 'no change', path: () => smoothPath(0), bestDays: 30 };

/** Defaults but for the age. New rows arrive evenly here, which would be one more schedule: that reason is switched off. */
const policyOf = (maxAgeDays: number): RetrainPolicy =>
  retrainPolicyOf(
    retrainSchema.parse({
      on: ['performance', 'drift', 'age'],
      max_age: `${maxAgeDays}d`,
      worth: { predictions_per_day: worth.predictionsPerDay, value_per_error: worth.valuePerError, cost_per_run: costPerRun },
    }),
  );

/** Mean of independent years with its 99 % interval. */
const mean = (what: string, rule: string, values: readonly number[], unit: string, target: Target | null): Measured => {
  const value = values.reduce((sum, one) => sum + one, 0) / values.length;
  const variance = values.reduce((sum, one) => sum + (one - value) ** 2, 0) / (values.length - 1);
  const error = 2.576 * Math.sqrt(variance / values.length);
  return { what, rule, value, unit, between: [value - error, value + error], target };
};

const yearsOf = (world: World, rule: Rule, years: number): { costs: number[]; runs: number[] } => {
  const lived = Array.from({ length: years }, (_, year) => {
    // The world is the same for every rule, and so is the noise as long as they decide alike.
    const path = world.path(chance(`retrain: ${world.name}, path ${year}`));
    return liveYear(chance(`retrain: ${world.name}, noise ${year}`), path, rule);
  });
  return { costs: lived.map(({ costPerDay }) => costPerDay), runs: lived.map(({ runs }) => runs) };
};

/** At most so many times the cost of the best schedule, which knows how the world changes. */
const compare = (world: World, claim: string, limit: number): Scenario => ({
  name: world.name,
  claim,
  rows: (full): Finding[] => {
    const years = full ? 400 : 10;
    // A team that knows nothing takes the defaults: a model is 30 days old at most.
    const rules: [string, Rule][] = [
      ['ours', ours(policyOf(30))],
      ...(world.bestDays === 30
        ? []
        : [[`ours, ${world.bestDays} days at most`, ours(policyOf(world.bestDays))] as [string, Rule]]),
      [`schedule, the best: ${world.bestDays} days`, scheduleEvery(world.bestDays)],
      ['schedule, weekly', scheduleEvery(7)],
      ['every raw p < 0.05', everyRawPValue],
    ];
    const lived = rules.map(([rule, decide]) => ({ rule, ...yearsOf(world, decide, years) }));
    const own = lived[0] as (typeof lived)[0];
    const best = lived.find(({ rule }) => rule.startsWith('schedule, the best')) as (typeof lived)[0];
    const times = own.costs.map((cost, year) => cost / (best.costs[year] as number));
    return [
      mean('cost over that of the best schedule', 'ours', times, 'times', { operator: '<=', value: limit }),
      ...lived.map(({ rule, costs }) => mean('cost per day', rule, costs, '', null)),
      ...lived.map(({ rule, runs }) => mean('runs per year', rule, runs, '', null)),
    ];
  },
});

/** What the account says, and what the schedule would have lived through in truth. */
const accounted = (world: World, year: number) => {
  const path = world.path(chance(`retrain: account, ${world.name}, path ${year}`));
  const noise = () => chance(`retrain: account, ${world.name}, noise ${year}`);
  const own = liveYear(noise(), path, ours(policyOf(30)));
  const truth = (liveYear(noise(), path, scheduleEvery(7)).costPerDay - own.costPerDay) * path.length;
  const { saved, lower, upper } = accountSchedule(own.spans, 7, worth, 0.95);
  return { holds: lower <= truth && truth <= upper, truth, flattered: (saved - truth) / (own.costPerDay * path.length) };
};

const account = (world: World): Scenario => ({
  name: `account of a weekly schedule, ${world.name}`,
  claim:
    'What was saved against a weekly schedule that never ran lies within the 90 % bounds of its account, but for a little: the policy decides by the noise that the account then books.',
  rows: (full) => {
    const trials = full ? 1000 : 30;
    const accounts = Array.from({ length: trials }, (_, year) => accounted(world, year));
    const successes = accounts.filter(({ holds }) => holds).length;
    const flattered = accounts.map((one) => one.flattered * 100);
    const saved = accounts.map(({ truth }) => truth);
    return [
      { what: 'truth within bounds', rule: 'ours', successes, trials, target: { operator: '>=', value: 0.85 } },
      mean('account above the truth, of what a year cost', 'ours', flattered, '%', { operator: '<=', value: 5 }),
      mean('saved in truth, in a year', 'ours', saved, '', null),
    ];
  },
});

export const scenarios: readonly Scenario[] = [
  compare(smooth, 'Where decay is smooth, defaults cost at most a fifth more than the best schedule, which knows the rate.', 1.2),
  compare(rare, 'Where changes are abrupt and rare, defaults cost at most half of the best schedule.', 0.5),
  compare(frequent, 'Where changes are abrupt and frequent, defaults cost no more than the best schedule.', 1),
  compare(still, 'Where nothing changes, the policy costs what its maximum age costs, and no false alarm more.', 1.01),
  account(rare),
  account(smooth),
];
