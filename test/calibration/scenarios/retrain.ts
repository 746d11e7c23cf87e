import { countOf, type Scenario } from '../scenario.ts';

export const scenarios: readonly Scenario[] = [
  {
    name: 'exact bounds',
    claim: 'The bound by which this table is judged is too low in at most 1 % of tables.',
    rows: (full) => {
      const trials = full ? 4000 : 400;
      const successes = countOf('exact bounds', trials, (random) => random() < 0.01);
      return [{ what: 'too low', rule: 'ours', successes, trials, target: { operator: '<=', value: 0.01 } }];
    },
  },
];
