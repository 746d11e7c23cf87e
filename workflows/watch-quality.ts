/** What a look finds that is no verdict on the model: labels, rows or data that are broken or stay away. */
import { nameSpan } from '#domain/decide/watch/judge-window.ts';
import type { Watch } from './watch-desk.ts';
import { instantOf, note, tell } from './watch-notes.ts';
import type { Look } from './watch-settle.ts';

/** Labels that stay away are no verdict on the model. */
export const hearBreaches = async (watch: Watch, look: Look): Promise<void> => {
  const { performance } = look.found;
  const window = performance?.windows.at(-1);
  if (performance === null || window === undefined) return;
  const isBroken = performance.breaches.length > 0;
  if (isBroken || watch.state.unlabelled === true) watch.state = { ...watch.state, unlabelled: isBroken };
  if (!isBroken) return;
  const reason = `Data, not performance: ${performance.breaches.map(({ statement }) => statement).join('; ')}`;
  const told = {
    inequalities: [],
    evidenceIds: [],
    input: { breaches: performance.breaches, reportSha256: window.reportSha256 },
    output: null,
  };
  note(watch, [{ kind: 'quality', subject: nameSpan(window), action: 'quarantine', reason, ...told }], look.records);
  await tell(watch, 'quarantined', `${watch.pipeline}, window ${nameSpan(window)}: ${reason}`);
};

/** A feed that stops before its windows mature says nothing, and nothing would ever be said of it. Told once. */
export const hearLabelFeed = async (watch: Watch, look: Look): Promise<void> => {
  const feed = look.found.performance?.labelFeed;
  if (feed === 'as usual' && watch.state.unlabelled === true) watch.state = { ...watch.state, unlabelled: false };
  if (feed == null || feed === 'as usual' || watch.state.unlabelled === true) return;
  watch.state = { ...watch.state, unlabelled: true };
  const reason = `Labels stay away: ${feed.statement}`;
  const told = { inequalities: [], evidenceIds: [], input: { labelFeed: feed }, output: null };
  note(watch, [{ kind: 'quality', subject: nameSpan(feed), action: 'labels', reason, ...told }], look.records);
  await tell(watch, 'silent', `${watch.pipeline}, window ${nameSpan(feed)}: ${reason}`);
};

/** What is served is not what the data say: a fault of the serving path, which no training mends. */
export const hearSkew = async (watch: Watch, look: Look): Promise<void> => {
  const { skew } = look.found;
  if (skew == null) return;
  const { reason, reportSha256 } = skew;
  const told = { inequalities: [], evidenceIds: [], input: { reportSha256 }, output: null };
  note(watch, [{ kind: 'quality', subject: nameSpan(skew), action: 'skew', reason, ...told }], look.records);
  await tell(watch, 'quarantined', `${watch.pipeline}, window ${nameSpan(skew)}: ${reason}`);
};

export const hearSilence = async (watch: Watch, nowMs: number): Promise<void> => {
  const { plan, advancedAtMs, silent, facts } = watch.state;
  if (silent || facts === null || facts.model === null || nowMs - advancedAtMs < plan.silentAfterMs) return;
  watch.state = { ...watch.state, silent: true };
  const since = instantOf(advancedAtMs);
  await tell(
    watch,
    'silent',
    `${watch.pipeline}: no new data since ${since} (data time ${facts.dataTime ?? 'unknown'}): nothing can be judged`,
  );
};
