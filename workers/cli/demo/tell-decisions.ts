/** Says aloud what the watch and the rollouts decide, as it is recorded. Where nothing happens it is silent. */
import { setTimeout as wait } from 'node:timers/promises';
import type { RecordedDecision } from '../../../infra/postgres/decisions.ts';
import { paint } from '../output.ts';
import { patiently } from './patience.ts';
import { flights, type Scene } from './scene.ts';
import { nameDay } from './world.ts';

const lookMs = 250;
const most = 200;
/** As far as a line holds it; `perennial explain` gives all of it. */
const reasonWidth = 170;

/** What is decided all the time, where nothing happens. */
const quiet: Readonly<Record<string, readonly string[]>> = {
  drift: ['no alarm', 'cannot tell'],
  retrain: ['wait'],
  rollout: ['wait'],
};
const colours: Readonly<Record<string, Parameters<typeof paint>[0]>> = {
  breach: 'yellow',
  alarm: 'yellow',
  quarantine: 'red',
  retrain: 'cyan',
  'roll back': 'red',
  promote: 'green',
};
/** Reasons of the others begin with what was decided. */
const needsVerb: readonly string[] = ['drift', 'performance', 'quality'];

/** "12 Feb" for a window, nothing for what is about a run or a rollout. */
const aboutDay = (subject: string): string => (/^2001-\d\d-\d\dT/.test(subject) ? ` of ${nameDay(subject.slice(0, 10))}` : '');

export const cut = (text: string, width = reasonWidth): string => (text.length > width ? `${text.slice(0, width - 1)}…` : text);

const sentenceOf = ({ record: { kind, action, subject, reason } }: RecordedDecision): string => {
  const who = kind === 'rollout' ? 'canary' : `watch, ${kind}${kind === 'retrain' ? '' : aboutDay(subject)}`;
  return cut(`${who}: ${needsVerb.includes(kind) ? `${action}: ` : ''}${reason}`);
};

/** A "no" to the same question is told once, whatever its numbers are by now: "Suppressed (performance)". */
const questionOf = ({ record: { kind, action, reason } }: RecordedDecision): string =>
  `${kind} ${action} ${kind === 'retrain' ? (/^[^:]*/.exec(reason)?.[0] ?? '') : reason}`;

/** Begins to tell; the function that it gives ends that, once all that is recorded was told. */
export const tellDecisions = (scene: Scene): (() => Promise<void>) => {
  let [stopped, last] = [false, 0];
  let asked = '';
  const tell = (decision: RecordedDecision): void => {
    const { kind, action } = decision.record;
    const question = questionOf(decision);
    if (quiet[kind]?.includes(action) || question === asked) return;
    if (kind === 'retrain') asked = question;
    const colour = colours[action] ?? 'dim';
    scene.story.say(`  ${paint(colour, sentenceOf(decision), scene.story.out)}`);
  };
  const tellNew = async (): Promise<void> => {
    const found = await patiently(() => scene.records.decisions.list(flights, { afterId: last, limit: most }));
    for (const decision of found) tell(decision);
    last = found.at(-1)?.id ?? last;
  };
  const telling = (async () => {
    while (!stopped) {
      await tellNew();
      await wait(lookMs);
    }
    await tellNew();
  })();
  telling.catch(() => {});
  return () => {
    stopped = true;
    return telling;
  };
};
