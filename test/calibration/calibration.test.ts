/** The fast subset: every scenario with as few repetitions as two seconds allow. */
import { describe, expect, test } from 'vitest';
import { judge } from './judge.ts';
import { scenariosOf, topics } from './topics.ts';

const all = await Promise.all(topics.map(async (topic) => ({ topic, scenarios: await scenariosOf(topic) })));

describe.each(all.filter(({ scenarios }) => scenarios.length > 0))('$topic', ({ scenarios }) => {
  test('names its scenarios once each', () => {
    expect(new Set(scenarios.map(({ name }) => name)).size).toBe(scenarios.length);
  });

  test.each(scenarios.map((scenario) => [`${scenario.name}: ${scenario.claim}`, scenario] as const))(
    '%s',
    async (_, scenario) => {
      const judged = [...(await scenario.rows(false))].map(judge);
      expect(judged.length).toBeGreaterThan(0);
      expect(judged.filter(({ judgement }) => judgement === 'missed')).toEqual([]);
    },
  );
});
