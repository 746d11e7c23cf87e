import { join } from 'node:path';
import type { RetrainOutcome } from '#domain/contracts/retrain.ts';
import type { RunKey } from '#domain/units.ts';
import { paint } from '../../output.ts';
import { watchRun } from '../act.ts';
import { type Calendar, startCalendar } from '../calendar.ts';
import { patiently } from '../patience.ts';
import { cures, endOfWorld, firstDay, flights, type LiveScene, type Scene } from '../scene.ts';
import { waitUntilServed } from '../wait-until-served.ts';
import { type Day, nameDay, nextDay } from '../world.ts';

/** The weather turns in the first days; whoever has found nothing by then will not. */
const patientUntil: Day = '2001-03-05';

/** Judged up to the morning of a day: by all that was counted, or by its labels. */
const isJudged = async ({ records }: Scene, kind: 'drift' | 'performance', morning: Day): Promise<boolean> => {
  const [newest] = await records.reports.list(flights, { kind, limit: 1 });
  return newest !== undefined && newest.to.slice(0, 10) >= morning;
};

/**
 * The day before yesterday has closed by now, and was judged; the first two days have none. Labels come a day later, and have
 * matured another day later: while the first model serves they are waited for too, or on a slow machine the weather would
 * be over before anybody could tell.
 */
const isWatched = async (scene: Scene, day: Day): Promise<boolean> => {
  if (day <= nextDay(firstDay)) return true;
  if (!(await isJudged(scene, 'drift', nextDay(day, -1)))) return false;
  const isFirst = (await scene.records.rollouts.list(flights, 1)).length === 0;
  return !isFirst || day <= nextDay(firstDay, 3) || (await isJudged(scene, 'performance', nextDay(day, -2)));
};

/** One request as anybody would send it; then all others. */
export const openTheGates = async (scene: Scene): Promise<Calendar> => {
  const { context, story, world, caller, folder } = scene;
  story.chapter('12 February: passengers ask');
  await waitUntilServed(context, flights);
  const [first] = await world.flightsOf(firstDay);
  const path = `/predict/${flights}`;
  const { body } = await caller.post(path, first?.asked);
  story.say(`POST ${context.endpoints.serveUrl}${path}`);
  story.aside(JSON.stringify(first?.asked));
  story.aside(`-> ${JSON.stringify(body)}`);
  story.aside('From here on every flight of a day asks, in the time of its own day; its label and its file come a day later.');
  const onDay = (day: Day, asked: number): void => story.say(paint('bold', `${nameDay(day)}: ${asked} flights ask`, story.out));
  const mayBegin = (day: Day): Promise<boolean> => isWatched(scene, day);
  return startCalendar({ world, caller, folder: join(folder, flights), pipeline: flights, firstDay, onDay, mayBegin });
};

/** The first decision of the watch to start a run. */
const findRetrain = async ({ records }: Scene): Promise<{ readonly runKey: RunKey; readonly reason: string } | null> => {
  const found = await patiently(() => records.decisions.list(flights, { kinds: ['retrain'] }));
  const decided = found.find(({ record: { action, subject } }) => cures.includes(action) && /^[0-9a-f]{16}$/.test(subject));
  return decided === undefined ? null : { runKey: decided.record.subject as RunKey, reason: decided.record.reason };
};

/** Nobody says when: the watch goes by what it finds. Null where it finds nothing for three weeks. */
export const worldMoves = async (scene: LiveScene): Promise<RetrainOutcome | null> => {
  const { story, calendar } = scene;
  story.chapter('The weather turns, and the watch looks');
  story.aside('Each day that has passed is compared with what the model knew, and with the truth as soon as it is known.');
  story.aside(
    'What is found counts 1, what cannot be told apart from chance 0.5. At 1 the watch retrains; then that same reason',
  );
  story.aside('has to fall below 0.5, "to be re-armed", before it counts again. Days that say nothing new are left out.');
  const found = await calendar.until(() => findRetrain(scene), patientUntil);
  if (found === null) {
    story.say('the watch found no reason to retrain');
    return null;
  }
  story.say('the watch decided by itself to retrain: data, training, gate, and then a canary on live traffic');
  return watchRun(scene, found.runKey, async (look) => {
    const outcome = await calendar.until(look, endOfWorld);
    if (outcome === null) throw new Error(`The run ${found.runKey} did not end before ${endOfWorld}`);
    return outcome;
  });
};
