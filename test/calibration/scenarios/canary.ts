import { rolloutSchema } from '#domain/contracts/pipeline-spec/operation.ts';
import { canaryPolicyOf } from '#domain/decide/canary/canary-policy.ts';
import { kayentaClassify } from '#domain/stats/compatibility/kayenta-classify.ts';
import { quantileOfSorted } from '#domain/stats/quantile.ts';
import type { Random } from '#domain/stats/random.ts';
import { countAbove } from '#domain/stats/sequential/count-above.ts';
import { logEvidenceOfHarm } from '#domain/stats/sequential/count-test.ts';
import { groupSequentialBounds, spendEvenly, spendLate } from '#domain/stats/sequential/group-sequential.ts';
import { sequenceHalfWidth, sequenceTuning } from '#domain/stats/sequential/mean-sequence.ts';
import { logEvidenceOfNormal } from '#domain/stats/sequential/normal-mixture.ts';
import { boundRateRatio } from '#domain/stats/sequential/rate-ratio.ts';
import { logEvidenceOfMismatch, testSplitOnce } from '#domain/stats/sequential/split-mismatch.ts';
import { crossings, eventsUntil, medianOf, shareOfEvents } from '../canary/crossings.ts';
import { rules, type Swing, swinging } from '../canary/looks.ts';
import { type Ended, rollOut, type World } from '../canary/rollout.ts';
import { autoregressive, binomial, normal } from '../samplers.ts';
import { chance, countOf, type Finding, type Scenario, type Target } from '../scenario.ts';

const atMost = (value: number): Target => ({ operator: '<=', value });
const atLeast = (value: number): Target => ({ operator: '>=', value });

const shares = [0.05, 0.1, 0.2, 0.5];

const untilFound: Scenario = {
  name: 'events until harm is found',
  claim: 'At a 10 % split and level 1 % a doubled error rate is found after a median of at most 160 error events.',
  rows: (full) => {
    const findings: Finding[] = [];
    for (const share of full ? shares : [0.1]) {
      const fewest = crossings(logEvidenceOfHarm, share, 0.01, 4000);
      for (const ratio of full ? [1.5, 2, 3, 5] : [2]) {
        const name = `${ratio} times the rate at ${100 * share} %`;
        const random = chance(`until found ${name}`);
        const found = Array.from({ length: full ? 20_000 : 4000 }, () =>
          eventsUntil(random, fewest, shareOfEvents(share, ratio)),
        );
        const target = share === 0.1 && ratio === 2 ? atMost(160) : null;
        findings.push({ what: `median until found: ${name}`, rule: 'ours', unit: 'events', ...medianOf(found), target });
      }
    }
    return findings;
  },
};

const falseAlarms: Scenario = {
  name: 'equal rates, looked at after every event',
  claim:
    'An equal candidate is called harmful in at most 1 % of rollouts at level 1 %, looked at after every one of 2,000 events.',
  rows: (full) =>
    (full ? shares : [0.1]).map((share) => {
      const fewest = crossings(logEvidenceOfHarm, share, 0.01, 2000);
      const trials = full ? 20_000 : 2000;
      const successes = countOf(`false alarms ${share}`, trials, (random) => eventsUntil(random, fewest, share) !== null);
      return { what: `called harmful at a ${100 * share} % split`, rule: 'ours', successes, trials, target: atMost(0.01) };
    }),
};

const leak: Scenario = {
  name: 'a split that leaks',
  claim:
    'A split of 12 % in place of 10 % is found within 10,000 requests in at least 99 %, and a right one is called wrong in at most 0.1 %.',
  rows: (full) => {
    const trials = full ? 10_000 : 400;
    const most = 10_000;
    const above = crossings(logEvidenceOfMismatch, 0.1, 0.001, most);
    // Too few requests of the candidate are too many of the champion.
    const below = crossings(logEvidenceOfMismatch, 0.9, 0.001, most);
    const found = (name: string, really: number, also: (candidate: number) => boolean): number =>
      countOf(name, trials, (random) => {
        let candidate = 0;
        for (let requests = 1; requests <= most; requests += 1) {
          if (random() < really) candidate += 1;
          if (candidate >= (above[requests] as number) || requests - candidate >= (below[requests] as number)) return true;
        }
        return also(candidate);
      });
    const never = () => false;
    const once = (candidate: number) => testSplitOnce({ share: 0.1, candidate, champion: most - candidate }).pValue < 0.001;
    return [
      {
        what: '12 % found, request by request',
        rule: 'ours',
        successes: found('leak', 0.12, never),
        trials,
        target: atLeast(0.99),
      },
      {
        what: '12 % found, or the step not left',
        rule: 'ours',
        successes: found('leak once', 0.12, once),
        trials,
        target: atLeast(0.99),
      },
      {
        what: '10 % called wrong, request by request',
        rule: 'ours',
        successes: found('no leak', 0.1, never),
        trials,
        target: atMost(0.001),
      },
    ];
  },
};

/** Ten times the traffic at one time than at another, and three times the error rate. */
const swingOf = (requests: number, rate: number): Swing => ({
  minutes: 120,
  share: 0.1,
  ratio: 1,
  requests: (minute) => requests * 10 ** (0.5 * Math.sin(minute / 10)),
  rate: (minute) => rate * 3 ** (0.5 * Math.cos(minute / 7)),
});
const swings = { '1,000 requests a minute, 0.5 % errors': swingOf(1000, 0.005), '10,000, 0.1 %': swingOf(10_000, 0.001) };

const traffic: Scenario = {
  name: 'traffic that swings',
  claim:
    'With ten times the traffic at one time than at another, an equal candidate is rolled back in at most 1 %, and one with twice the errors found.',
  rows: (full) =>
    Object.entries(swings).flatMap(([world, swing]) =>
      [1, 2].flatMap((ratio) => {
        const trials = full ? 1000 : 60;
        const successes: Record<string, number> = Object.fromEntries(Object.keys(rules).map((rule) => [rule, 0]));
        for (let trial = 0; trial < trials; trial += 1) {
          const seen = swinging(chance(`swings ${world} ${ratio} ${trial}`), { ...swing, ratio });
          for (const [rule, isHarm] of Object.entries(rules)) if (isHarm(seen, swing.share)) (successes[rule] as number) += 1;
        }
        const what = `${ratio === 1 ? 'equal candidate' : 'candidate with twice the errors'} rolled back within two hours: ${world}`;
        const target = (rule: string) => (rule !== 'ours' ? null : ratio === 1 ? atMost(0.01) : atLeast(0.99));
        return Object.entries(successes).map(([rule, count]) => ({ what, rule, successes: count, trials, target: target(rule) }));
      }),
    ),
};

const metricsOverTime: Scenario = {
  name: 'a metric by the minute, Kayenta',
  claim: 'Shown only: series that depend on their past are failed by a test for points that do not.',
  rows: (full) =>
    [0, 0.3, 0.5, 0.8].map((correlation) => {
      const trials = full ? 1000 : 60;
      const successes = countOf(`kayenta ${correlation}`, trials, (random) => {
        const series = () => Array.from(autoregressive(random, 60, correlation), (value) => 100 + 5 * value);
        return kayentaClassify(series(), series()) !== 'Pass';
      });
      return {
        what: `equal series of 60 points failed, correlation ${correlation}`,
        rule: 'Kayenta',
        successes,
        trials,
        target: null,
      };
    }),
};

const asWritten = canaryPolicyOf(rolloutSchema.parse({}));
const threeGuardrails = canaryPolicyOf(rolloutSchema.parse({ guardrails: { errors: {}, latency_p99: {}, out_of_range: {} } }));
const rates = { errors: 0.01, latency_p99: 0.01, out_of_range: 0.005 };
const steady = (factor: number): World => ({
  requests: (minute) => 1000 * 10 ** (0.5 * Math.sin(minute / 10)),
  champion: rates,
  candidate: { ...rates, errors: rates.errors * factor },
});

const whole: Scenario = {
  name: 'whole rollouts',
  claim: 'A rollout of an equal candidate is rolled back in at most 1 %, whatever the reason, and promoted otherwise.',
  rows: (full) => {
    const trials = full ? 1500 : 40;
    const run = (name: string, policy: typeof asWritten, world: World): Ended[] =>
      Array.from({ length: trials }, (_, trial) => rollOut(chance(`${name} ${trial}`), policy, world));
    const proportion = (what: string, ended: readonly Ended[], action: Ended['action'], target: Target | null): Finding => {
      return { what, rule: 'ours', successes: ended.filter((one) => one.action === action).length, trials, target };
    };
    const equal = run('equal', asWritten, steady(1));
    const equalThree = run('equal three', threeGuardrails, steady(1));
    const findings = [
      proportion('equal candidate rolled back, errors watched', equal, 'roll back', atMost(0.01)),
      proportion('equal candidate rolled back, three guardrails', equalThree, 'roll back', atMost(0.01)),
      {
        what: 'median length with an equal candidate',
        rule: 'ours',
        unit: 'minutes',
        ...medianOf(equal.map((one) => one.minutes)),
        target: null,
      },
    ];
    for (const factor of [2, 5]) {
      const ended = run(`${factor} times`, asWritten, steady(factor));
      const name = `${factor} times the errors (1 %)`;
      findings.push(proportion(`${name}: promoted`, ended, 'promote', factor === 5 ? atMost(0.01) : null));
      const back = ended.filter((one) => one.action === 'roll back');
      findings.push({
        what: `${name}: errors seen by users before`,
        rule: 'ours',
        unit: 'requests',
        ...medianOf(back.map((one) => one.harmed)),
        target: null,
      });
    }
    return findings;
  },
};

const leaking: Scenario = {
  name: 'whole rollouts over a split that leaks',
  claim: 'A rollout whose router sends 12 % in place of 10 % is never promoted by more than 1 %.',
  rows: (full) => {
    const trials = full ? 500 : 30;
    const world = { ...steady(1), leak: (share: number) => (share === 0.1 ? 0.12 : share) };
    const successes = countOf('leaking rollout', trials, (random) => rollOut(random, asWritten, world).action === 'promote');
    return [{ what: 'promoted', rule: 'ours', successes, trials, target: atMost(0.01) }];
  },
};

const ratioAtAllTimes: Scenario = {
  name: 'bounds of the ratio over three shares',
  claim: 'Bounds of the rate ratio at 95 % hold it at all looks together, over all shares, in at least 95 % of rollouts.',
  rows: (full) =>
    [0.7, 1, 2].map((ratio) => {
      const trials = full ? 400 : 20;
      const missed = countOf(`ratio ${ratio}`, trials, (random) => {
        const segments: { share: number; candidate: number; champion: number }[] = [];
        return [0.05, 0.2, 0.5].some((share) => {
          const present = { share, candidate: 0, champion: 0 };
          segments.push(present);
          return Array.from({ length: 20 }).some(() => {
            const candidate = binomial(random, 10, shareOfEvents(share, ratio));
            present.candidate += candidate;
            present.champion += 10 - candidate;
            const bounds = boundRateRatio(segments, 0.05);
            return bounds === null || bounds.lower > ratio || (bounds.upper ?? Number.POSITIVE_INFINITY) < ratio;
          });
        });
      });
      return {
        what: `ratio ${ratio} outside its bounds at some look`,
        rule: 'ours',
        successes: missed,
        trials,
        target: atMost(0.05),
      };
    }),
};

/** Answers take a log-normal time; slower ones are counted above the champion's 99 % point, known from 1,000 answers. */
const latency: Scenario = {
  name: 'a latency as answers above a bound',
  claim:
    'An equal candidate is called slower in at most 1 %, though the bound is known badly; one that is 1.3 times as slow is found within 50,000 requests.',
  rows: (full) => {
    const fewest = crossings(logEvidenceOfHarm, 0.1, 0.01, 5000);
    const trials = full ? 500 : 15;
    const milliseconds = (random: Random) => 20 * Math.exp(normal(random, 0, 0.5));
    const requestsUntil = (random: Random, slower: number): number | null => {
      const before = Float64Array.from({ length: 1000 }, () => milliseconds(random)).sort();
      const bound = quantileOfSorted(before, 0.99);
      let [candidate, events] = [0, 0];
      for (let request = 1; request <= 50_000; request += 1) {
        const isCandidate = random() < 0.1;
        if (countAbove([milliseconds(random) * (isCandidate ? slower : 1)], bound) === 0) continue;
        events += 1;
        if (isCandidate) candidate += 1;
        if (candidate >= (fewest[events] as number)) return request;
      }
      return null;
    };
    const equal = countOf('equal latency', trials, (random) => requestsUntil(random, 1) !== null);
    const slower = Array.from({ length: trials }, (_, trial) => requestsUntil(chance(`slower ${trial}`), 1.3));
    const found = slower.filter((one) => one !== null).length;
    return [
      { what: 'equal candidate called slower', rule: 'ours', successes: equal, trials, target: atMost(0.01) },
      { what: '1.3 times as slow, found within 50,000 requests', rule: 'ours', successes: found, trials, target: atLeast(0.99) },
      { what: '1.3 times as slow: median until found', rule: 'ours', unit: 'requests', ...medianOf(slower), target: null },
    ];
  },
};

/** After every row of both arms, up to some thousand; what each rule says of two equal means. */
const means: Scenario = {
  name: 'equal means, looked at after every row',
  claim:
    'mSPRT and bounds at all times call equal means different in at most 5 %, looked at after each of 5,000 rows of each arm.',
  rows: (full) => {
    const trials = full ? 1500 : 40;
    const rows = full ? 5000 : 1000;
    const tuning = sequenceTuning(1000, 0.05);
    const called: Record<string, number> = { 'ours, mSPRT': 0, 'ours, confidence sequence': 0, 'z-test at 5 %': 0 };
    for (let trial = 0; trial < trials; trial += 1) {
      const random = chance(`equal means ${trial}`);
      const said = new Set<string>();
      let sum = 0;
      for (let row = 1; row <= rows; row += 1) {
        sum += normal(random, 0, Math.SQRT2);
        const difference = sum / row;
        const variance = 2 / row;
        if (logEvidenceOfNormal({ difference, variance }, 0.01) >= Math.log(20)) said.add('ours, mSPRT');
        if (Math.abs(difference) > sequenceHalfWidth({ deviation: Math.SQRT2, rows: row }, { alpha: 0.05, tuning }))
          said.add('ours, confidence sequence');
        if (row >= 10 && Math.abs(difference) > 1.959964 * Math.sqrt(variance)) said.add('z-test at 5 %');
      }
      for (const rule of said) (called[rule] as number) += 1;
    }
    return Object.entries(called).map(([rule, successes]) => {
      return { what: 'called different', rule, successes, trials, target: rule.startsWith('ours') ? atMost(0.05) : null };
    });
  },
};

const plannedLooks: Scenario = {
  name: 'equal means, five planned looks',
  claim: 'Five looks at bounds that spend alpha stop a true null hypothesis in 5 %; five looks at 1.96 in about 14 %.',
  rows: (full) => {
    const trials = full ? 40_000 : 2000;
    const looks = [0.2, 0.4, 0.6, 0.8, 1];
    const bounds: Record<string, ArrayLike<number>> = {
      'ours, late spending': groupSequentialBounds(looks, 0.05, spendLate),
      'ours, even spending': groupSequentialBounds(looks, 0.05, spendEvenly),
      '1.96 at every look': looks.map(() => 1.959964),
    };
    return Object.entries(bounds).map(([rule, bound]) => {
      const successes = countOf('planned looks', trials, (random) => {
        let score = 0;
        return looks
          .map((information, look) => {
            score += normal(random, 0, Math.sqrt(0.2));
            return Math.abs(score) / Math.sqrt(information) >= (bound[look] as number);
          })
          .includes(true);
      });
      return { what: 'stopped', rule, successes, trials, target: rule.startsWith('ours') ? atMost(0.05) : null };
    });
  },
};

export const scenarios: readonly Scenario[] = [
  untilFound,
  falseAlarms,
  leak,
  traffic,
  metricsOverTime,
  whole,
  leaking,
  latency,
  ratioAtAllTimes,
  means,
  plannedLooks,
];
