/** One look of a watch: measure, decide upon each thing that was found, act, record. */
import type { WatchFacts } from '#domain/contracts/watch.ts';
import { type Occasion, occasionsOf } from '#domain/decide/watch/occasions.ts';
import { isFailure } from './failures.ts';
import { answerAlerts, answerWishes } from './watch-answers.ts';
import type { Watch } from './watch-desk.ts';
import { measure, takeIn } from './watch-measure.ts';
import { record, tellFailing } from './watch-notes.ts';
import { hearBreaches, hearLabelFeed, hearSilence, hearSkew } from './watch-quality.ts';
import { type Look, settle } from './watch-settle.ts';

const decideAll = async (watch: Watch, look: Look, occasions: readonly Occasion[], nowMs: number): Promise<void> => {
  if (watch.state.run !== null) await answerAlerts(watch, look);
  await hearBreaches(watch, look);
  await hearLabelFeed(watch, look);
  await hearSkew(watch, look);
  for (const occasion of occasions) {
    if (look.facts.model !== null || occasion.kind === 'ended') await settle(watch, look, occasion);
  }
  await answerAlerts(watch, look);
  await answerWishes(watch, look);
  await hearSilence(watch, nowMs);
  if (look.found.problem != null) await tellFailing(watch, look.found.problem, true);
};

/**
 * Looks once and decides upon all that was found, in this order: alerts about a run that is still under way, runs that
 * ended, windows by their end, alerts, and whoever waits for an answer. True where more windows wait to be looked at.
 */
export const takeLook = async (watch: Watch): Promise<boolean> => {
  const nowMs = Date.now();
  // What comes from here on asks for another look.
  watch.urgent = false;
  watch.state = { ...watch.state, lookedAtMs: nowMs, wanted: false };
  const found = await measure(watch);
  const occasions = occasionsOf(found, watch.state.cursor.estimatedUntil);
  takeIn(watch, found, nowMs);
  const look: Look = { found, records: [], facts: watch.state.facts as WatchFacts };
  try {
    await decideAll(watch, look, occasions, nowMs);
  } catch (error) {
    // What was decided before is on record, and so is a run that was started.
    if (isFailure(error)) await record(watch.pipeline, look.records);
    throw error;
  }
  await record(watch.pipeline, look.records);
  return found.more;
};
