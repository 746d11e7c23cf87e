import type { Random } from '#domain/stats/random.ts';
import { createBloomFilter, createBloomReader } from '#domain/stats/summaries/bloom-filter.ts';
import { addToSketch, emptySketch, mergeSketches, quantileOfSketch } from '#domain/stats/summaries/ddsketch.ts';
import { normal } from '../samplers.ts';
import { chance, type Finding, type Scenario } from '../scenario.ts';

/** Serial numbers, as customers and machines have them: texts that differ in a digit or two. */
const serials = (random: Random, count: number): string[] => {
  const first = Math.floor(random() * 1e9);
  return Array.from({ length: count }, (_, index) => `SN-${first + index}`);
};

const strangers: Scenario = {
  name: 'strangers in a Bloom filter',
  claim: 'A filter made for 1 in 1,000 takes at most 1.1 in 1,000 values that the reference never had for one that it had.',
  rows: (full) => {
    const filters = full ? 40 : 3;
    const [members, asked] = [20_000, 50_000];
    let taken = 0;
    for (let filter = 0; filter < filters; filter += 1) {
      const names = serials(chance(`strangers ${filter}`), members + asked);
      const has = createBloomReader(createBloomFilter(names.slice(0, members), 0.001));
      taken += names.slice(members).filter(has).length;
    }
    const what = 'new values that count as seen';
    return [{ what, rule: 'ours', successes: taken, trials: filters * asked, target: { operator: '<=', value: 0.0011 } }];
  },
};

/** Latencies in milliseconds, with a tail that a mean does not show. */
const latency = (random: Random): number => Math.exp(1 + 1.2 * normal(random)) * (random() < 0.01 ? 200 : 1);
const shares = [0.01, 0.25, 0.5, 0.9, 0.99, 0.999, 1];

/** The upper edge of one of 2,048 equal cells up to a minute, as a histogram of fixed width answers. */
const equalCells = (value: number): number => Math.ceil(value / (60_000 / 2048)) * (60_000 / 2048);

const latencies: Scenario = {
  name: 'quantiles of latencies from sixteen servers',
  claim: 'Every quantile of a merged sketch is within 1 % of the exact one, however far out.',
  rows: (full) => {
    const worlds = full ? 400 : 20;
    const off: Record<'ours' | 'equal cells', number> = { ours: 0, 'equal cells': 0 };
    for (let world = 0; world < worlds; world += 1) {
      const random = chance(`latencies ${world}`);
      const servers = Array.from({ length: 16 }, () => Array.from({ length: 250 }, () => latency(random)));
      const sketch = servers.map((values) => addToSketch(emptySketch(), values)).reduce(mergeSketches);
      const sorted = Float64Array.from(servers.flat()).sort();
      for (const share of shares) {
        const exact = sorted[Math.floor(share * (sorted.length - 1))] as number;
        const isOff = (value: number): boolean => Math.abs(value - exact) > 0.01 * (1 + 1e-9) * exact;
        if (isOff(quantileOfSketch(sketch, share)?.value as number)) off.ours += 1;
        if (isOff(equalCells(exact))) off['equal cells'] += 1;
      }
    }
    const trials = worlds * shares.length;
    const what = 'quantiles off by more than 1 %';
    const findings: Finding[] = [
      { what, rule: 'ours', successes: off.ours, trials, target: { operator: '<=', value: 0 } },
      { what, rule: '2,048 equal cells up to a minute', successes: off['equal cells'], trials, target: null },
    ];
    return findings;
  },
};

export const scenarios: readonly Scenario[] = [strangers, latencies];
