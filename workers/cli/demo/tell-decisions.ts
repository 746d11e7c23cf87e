/** Says aloud what the watch and the rollouts decide, as it is recorded. Where nothing happens it is silent. */
import { setTimeout as wait } from 'node:timers/promises';
import type { RecordedDecision } from '../../../infra/postgres/decisions.ts';
import { paint } from '../output.ts';
import { patiently } from './patience.ts';
import { flights, type Scene } from './scene.ts';

const lookMs = 250;
const most = 200;
/** As far as a line holds it; `perennial explain` gives all of it. */
const reasonWidth = 150;

const quiet: Readonly<Record<string, readonly string[]>> = {
  drift: ['no alarm', 'cannot tell'],
  performance: [],
  quality: [],
  retrain: ['wait'],
  rollout: ['wait'],
};
const colours: Readonly<Record<string, Parameters<typeof paint>[0]>> = {
  breach: 'yellow',
  alarm: 'yellow',
  quarantine: 'red',
  retrain: 'cyan',
  suppressed: 'dim',
  'roll back': 'red',
  promote: 'green',
};

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun'];

/** "12 Feb" for a window, nothing for what is about a run or a rollout. */
export const dayOf = (subject: string): string => {
  const [, month, day] = /^2001-(\d\d)-(\d\d)T/.exec(subject) ?? [];
  return month === undefined ? '' : `${Number(day)} ${months[Number(month) - 1]}`;
};

const cut = (text: string): string => (text.length > reasonWidth ? `${text.slice(0, reasonWidth - 1)}…` : text);

const tell = ({ story }: Scene, { record: { kind, action, subject, reason } }: RecordedDecision): void => {
  if (quiet[kind]?.includes(action)) return;
  const about = dayOf(subject);
  const word = paint([colours[action] ?? 'dim'].flat() as 'dim'[], action, story.out);
  story.say(`  ${kind}${about === '' ? '' : ` of ${about}`}: ${word}`);
  story.aside(`    ${cut(reason)}`);
};

/** Begins to tell; the function that it gives ends that, once all that is recorded was told. */
export const tellDecisions = (scene: Scene): (() => Promise<void>) => {
  let [stopped, last] = [false, 0];
  const tellNew = async (): Promise<void> => {
    const found = await patiently(() => scene.records.decisions.list(flights, { afterId: last, limit: most }));
    for (const decision of found) tell(scene, decision);
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
