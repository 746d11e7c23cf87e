import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type DriftPolicy, variableMemorySchema } from '#domain/contracts/drift-state.ts';
import { newVariable, nextVariable } from '#domain/decide/drift/next-variable.ts';
import { defaultDriftPolicy, halfOfColumnsPolicy } from '#domain/decide/drift/policy.ts';
import { high, low, middle, observed, type Seen, unproven } from './drift-worlds.ts';

const letters: Readonly<Record<string, Seen>> = { H: high, L: low, M: middle, U: unproven, '-': null };

/** States after each window, for windows written as letters. */
const walk = (windows: string, policy: DriftPolicy = defaultDriftPolicy): string[] => {
  let memory = newVariable;
  return windows.split('').map((letter) => {
    const next = nextVariable(policy, Object.freeze(memory), observed(letters[letter] as Seen));
    memory = variableMemorySchema.parse(next.memory);
    return next.judged.state;
  });
};
const last = (windows: string): string | undefined => walk(windows).at(-1);

describe('nextVariable()', () => {
  test('begins drift with two high windows of three, not with one', () => {
    expect(walk('LLHLH')).toEqual(['ok', 'ok', 'warn', 'ok', 'drift']);
    expect(walk('HLLH')).toEqual(['warn', 'ok', 'ok', 'warn']);
    expect(walk('HH')).toEqual(['warn', 'drift']);
  });

  test('does not believe size without evidence, nor evidence without size', () => {
    expect(walk('UUUU')).toEqual(['warn', 'warn', 'warn', 'warn']);
    let memory = newVariable;
    for (let window = 0; window < 5; window++) {
      const next = nextVariable(defaultDriftPolicy, memory, observed({ psi: 0.05, p: 1e-30 }));
      expect(next.judged.state).toBe('ok');
      memory = next.memory;
    }
  });

  test('leaves drift with two low windows of three, and is not believed before three of three', () => {
    expect(walk('HHLL')).toEqual(['warn', 'drift', 'drift', 'recovering']);
    expect(walk('HHLLL')).toEqual(['warn', 'drift', 'drift', 'recovering', 'ok']);
    expect(walk('HHLMLML')).toEqual(['warn', 'drift', 'drift', 'drift', 'recovering', 'recovering', 'recovering']);
  });

  test('stays in drift between the levels, however long', () =>
    expect(walk('HHMMMMMM').slice(1)).toEqual(Array.from({ length: 7 }, () => 'drift')));

  test('falls back into drift with two high windows of three', () => {
    expect(walk('HHLLHLH').slice(3)).toEqual(['recovering', 'recovering', 'recovering', 'drift']);
  });

  test('a window with too few rows counts neither way', () => {
    expect(walk('H---H')).toEqual(['warn', 'insufficient', 'insufficient', 'insufficient', 'drift']);
    expect(walk('HH---')).toEqual(['warn', 'drift', 'insufficient', 'insufficient', 'insufficient']);
    expect(last('HH---L')).toBe('drift');
    expect(last('HHL-L')).toBe('recovering');
    expect(walk('-')).toEqual(['insufficient']);
  });

  test('keeps three windows, no more', () => {
    let memory = newVariable;
    for (const letter of 'LMHLM') memory = nextVariable(defaultDriftPolicy, memory, observed(letters[letter] as Seen)).memory;
    expect(memory.recent).toEqual(['high', 'low', 'middle']);
  });

  test.each([
    [{ psi: 0.2, p: 0.05 }, 'high'],
    [{ psi: 0.2, p: 0.0500001 }, 'middle'],
    [{ psi: 0.1999999, p: 0.001 }, 'middle'],
    [{ psi: 0.1, p: 1 }, 'middle'],
    [{ psi: 0.0999999, p: 0.001 }, 'low'],
    [{ psi: 0.15, upper: 0.2, p: 0.05 }, 'high'],
    [{ psi: 0.15, upper: 0.1999999, p: 0.001 }, 'middle'],
    [{ psi: 0.0999999, upper: 0.3, p: 0.001 }, 'low'],
  ])('%o is %s: the levels themselves are reached', (seen, level) => {
    expect(nextVariable(defaultDriftPolicy, newVariable, observed(seen)).memory.recent).toEqual([level]);
  });

  test('may go by the estimate, which must then reach the level itself', () => {
    const seen = observed({ psi: 0.19, upper: 0.3, p: 0.001 });
    expect(nextVariable({ ...defaultDriftPolicy, enterBy: 'estimate' }, newVariable, seen).memory.recent).toEqual(['middle']);
    expect(nextVariable(defaultDriftPolicy, newVariable, seen).memory.recent).toEqual(['high']);
  });

  test('says its numbers', () => {
    const first = nextVariable(defaultDriftPolicy, newVariable, observed(high));
    expect(first.judged.reason).toBe(
      'age: warn, as PSI less its noise 0.35, upper 95% limit 0.35 >= 0.2, adjusted p-value 0.001 <= 0.05; high windows 1 >= 2 does not hold of the last 1',
    );
    const second = nextVariable(defaultDriftPolicy, first.memory, observed(high)).judged;
    expect(second.reason).toContain('age: drift');
    expect(second.inequalities.every(({ holds }) => holds)).toBe(true);
    expect(nextVariable(defaultDriftPolicy, { phase: 'drift', recent: ['high'] }, observed(null)).judged.reason).toContain(
      'stays drift',
    );
  });

  test('may be asked to look at one window only', () => {
    expect(walk('HLH', halfOfColumnsPolicy)).toEqual(['drift', 'recovering', 'drift']);
    expect(walk('HLLH', halfOfColumnsPolicy)).toEqual(['drift', 'recovering', 'ok', 'drift']);
  });

  test('whatever comes: no drift without two high windows in the last three that count, no end of it without two low ones', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom('H', 'L', 'M', 'U', '-'), { maxLength: 30 }), (windows) => {
        const states = walk(windows.join(''));
        let before = 'ok';
        for (const [at, state] of states.entries()) {
          if (state === 'insufficient') continue;
          const counted = windows
            .slice(0, at + 1)
            .filter((letter) => letter !== '-')
            .slice(-3);
          const of = (letter: string) => counted.filter((one) => one === letter).length;
          if (state === 'drift' && before !== 'drift') expect(of('H')).toBeGreaterThanOrEqual(2);
          if (of('H') >= 2) expect(state).toBe('drift');
          if (state !== 'drift' && before === 'drift') expect([state, of('L')]).toEqual(['recovering', 2]);
          if (before === 'recovering' && (state === 'ok' || state === 'warn')) expect(of('L')).toBe(3);
          before = state;
        }
      }),
      { numRuns: 2000 },
    );
  });
});
