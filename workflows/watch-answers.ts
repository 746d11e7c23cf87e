/** Who asked a watch, and what each is answered. */
import type { RetrainAsked } from '#domain/contracts/retrain-policy.ts';
import type { Occasion } from '#domain/decide/watch/occasions.ts';
import { restText } from '#domain/decide/watch/rest.ts';
import { nameAlerts } from '#domain/decide/watch/watch-state.ts';
import type { RetrainWish, Watch } from './watch-desk.ts';
import { note } from './watch-notes.ts';
import { type Look, settle } from './watch-settle.ts';

/** While snoozed nobody is answered with a run, and it stands on record why. */
const declineAlerts = (watch: Watch, look: Look): void => {
  const { snoozed, alerts } = watch.state;
  if (snoozed === null) return;
  const reason = `Suppressed (asked): ${nameAlerts(alerts)}; ${restText(snoozed, Date.now())}: ${snoozed.reason}`;
  const told = { inequalities: [], evidenceIds: [], input: { snoozed, alerts }, output: null };
  note(watch, [{ kind: 'retrain', subject: 'watch', action: 'suppressed', reason, ...told }], look.records);
};

/** All alerts that wait are one question. */
export const answerAlerts = async (watch: Watch, look: Look): Promise<void> => {
  const { alerts, snoozed } = watch.state;
  if (alerts.length === 0) return;
  if (snoozed !== null) declineAlerts(watch, look);
  else {
    const by = alerts
      .map(({ source }) => source)
      .sort()
      .join(', ');
    const asked: RetrainAsked = { by, kind: 'webhook', despite: [] };
    await settle(watch, look, { kind: 'asked', asked, subject: 'watch' }, `asked for by ${nameAlerts(alerts)}`);
  }
  // Alerts that came meanwhile are not among them: they wait for the next look.
  watch.state = { ...watch.state, alerts: watch.state.alerts.flatMap((one) => lessAnswered(one, alerts)) };
};

type Alert = Watch['state']['alerts'][number];
const lessAnswered = (one: Alert, answered: readonly Alert[]): Alert[] => {
  const left = one.count - (answered.find(({ source }) => source === one.source)?.count ?? 0);
  return left > 0 ? [{ ...one, count: left }] : [];
};

const answerWish = async (watch: Watch, look: Look, wish: RetrainWish): Promise<void> => {
  const { by, reason, trigger, despite } = wish.asked;
  const asked: RetrainAsked = { by, kind: trigger === 'person' ? 'person' : 'webhook', despite: [...despite] };
  const occasion: Occasion = { kind: 'asked', asked, subject: 'watch' };
  const answered = await settle(watch, look, occasion, `asked for by ${by}: ${reason}`);
  const { launched, retrain, sentence } = answered;
  const running = launched === null || launched.kind === 'failed' ? null : launched.workflowId;
  wish.answer = {
    decision: launched?.kind === 'started' || launched === null ? retrain.decision : launched.kind,
    reason: sentence,
    workflowId: running,
  };
};

/** A person may wait for an answer on each; they are answered one by one, in the order in which they came. */
export const answerWishes = async (watch: Watch, look: Look): Promise<void> => {
  for (let wish = watch.wishes[0]; wish !== undefined; wish = watch.wishes[0]) {
    await answerWish(watch, look, wish);
    watch.wishes.shift();
  }
};
