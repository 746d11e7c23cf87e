/** One line for a decision of the demo: what it is about, what was decided, and only then the numbers. Pure. */
import type { DecisionRecord } from '#domain/contracts/decision.ts';
import type { Inequality } from '#domain/contracts/verdict.ts';
import { shortNumber } from '#domain/decide/judgement.ts';
import { nameDay } from './world.ts';

/** " of 12 February" for a window, nothing for what is about a run or a rollout. */
const aboutDay = (subject: string): string => (/^2001-\d\d-\d\dT/.test(subject) ? ` of ${nameDay(subject.slice(0, 10))}` : '');

const digits = (value: number): string => String(Number(value.toPrecision(3)));
const bound = (which: 'lower' | 'upper') => new RegExp(`^(.*), ${which} [\\d.]+% bound$`);
const find = (inequalities: readonly Inequality[], which: 'lower' | 'upper') =>
  inequalities.find(({ what }) => bound(which).test(what));

/** Neither end of the interval decides: the interval says it in one go. */
const undecided = ({ inequalities, reason }: DecisionRecord): string => {
  const [lower, upper] = [find(inequalities, 'lower'), find(inequalities, 'upper')];
  if (lower === undefined || upper === undefined) return reason;
  const what = bound('lower').exec(lower.what)?.[1];
  return `${what} lies between ${digits(lower.left)} and ${digits(upper.left)}, and down to ${digits(lower.right)} is tolerated`;
};

/** Of a "no" only what stands against it. */
const against = ({ action, inequalities, reason }: DecisionRecord): string => {
  const broken = inequalities.filter(({ holds }) => !holds);
  if (action !== 'suppressed' || broken.length === 0) return reason;
  const [head] = reason.split(': ');
  const wanted = broken.map(
    ({ what, left, operator, right }) => `${what} is ${shortNumber(left)}, not ${operator} ${shortNumber(right)}`,
  );
  return `${head}: ${wanted.join('; ')}`;
};

/** `version` is the one that was measured; null where none is known. Sentences of the others begin with what was decided. */
export const decisionText = (record: DecisionRecord, version: number | null): string => {
  const { kind, action, subject, reason } = record;
  if (kind === 'rollout') return `canary: ${reason}`;
  if (kind === 'retrain') return `watch, retrain: ${against(record)}`;
  const whose = kind === 'performance' && version !== null ? ` of version ${version}` : '';
  const numbers = kind === 'performance' && action === 'cannot tell' ? undecided(record) : reason;
  return `watch, ${kind}${whose}${whose === '' ? aboutDay(subject) : aboutDay(subject).replace(' of', ',')}: ${action}: ${numbers}`;
};

/** What is decided all the time, where nothing happens. */
const quiet: Readonly<Partial<Record<DecisionRecord['kind'], readonly string[]>>> = {
  drift: ['no alarm', 'cannot tell'],
  retrain: ['wait'],
  rollout: ['wait'],
};

/** A "no" to the same question is told once, whatever its numbers are by now: "Suppressed (performance)". */
const questionOf = ({ action, reason }: DecisionRecord): string => `${action} ${/^[^:]*/.exec(reason)?.[0] ?? ''}`;

/**
 * Remembers what was told, and says whether a decision is news: a day on which a version does as well as on the days
 * before is none, nor is one that cannot tell once something is known of that version. A breach always is.
 */
export const createNews = (): ((record: DecisionRecord, version: number | null) => boolean) => {
  let asked = '';
  const told = new Map<number | null, string>();
  const isNewPerformance = (action: string, version: number | null): boolean => {
    const before = told.get(version);
    if (before !== undefined && (action === 'cannot tell' || action === before) && action !== 'breach') return false;
    told.set(version, action);
    return true;
  };
  return (record, version) => {
    const { kind, action } = record;
    if (quiet[kind]?.includes(action)) return false;
    if (kind === 'performance') return isNewPerformance(action, version);
    if (kind !== 'retrain') return true;
    const question = questionOf(record);
    if (question === asked) return false;
    asked = question;
    return true;
  };
};
