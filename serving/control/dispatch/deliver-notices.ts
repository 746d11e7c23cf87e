/** Brings notices from the outbox to their receivers, until they are taken or a day has passed. */
import { z } from 'zod';
import { noticeSchema } from '#domain/contracts/notice.ts';
import { postNotice } from '../../../infra/notify/post.ts';
import { asSlack, asWebhook } from '../../../infra/notify/write-notice.ts';
import type { Outbox, WaitingNotice } from '../../../infra/postgres/outbox.ts';
import type { Logger } from '../../../infra/telemetry/logger.ts';
import type { Metrics } from '../../../infra/telemetry/metrics.ts';
import { secretBytes } from '../../../infra/webhooks/signature.ts';
import { type BackOff, backOffMs } from './back-off.ts';

export type NoticeDeps = {
  readonly outbox: Outbox;
  readonly secretNamed: (variable: string) => string | null;
  /** Where the links of notices lead. */
  readonly controlUrl: string;
  readonly metrics: Metrics;
  readonly log: Logger;
  readonly clock: () => number;
  readonly random: () => number;
  readonly backOff?: BackOff;
  readonly giveUpAfterMs?: number;
};

const batchRows = 20;
/** Longer than an attempt may take. */
const leaseMs = 30_000;
/** About half a minute of failures; then younger notices go past. */
const stepsAside = 5;
const defaultBackOff: BackOff = { firstMs: 1_000, mostMs: 3_600_000 };
const dayMs = 86_400_000;

const deliverySchema = z.object({ to: z.string(), as: z.enum(['webhook', 'slack']), secret: z.string().nullable() });

type Attempt = { readonly problem: string | null };
const keyOf = (secret: string | null, secretNamed: NoticeDeps['secretNamed']): { key: Uint8Array | null } | Attempt => {
  if (secret === null) return { key: null };
  const found = secretNamed(secret);
  if (found === null) return { problem: `is not signed as ${secret} is not set where the control plane runs` };
  const key = secretBytes(found);
  return key === null ? { problem: `is not signed as ${secret} is not "whsec_" and 24 to 64 bytes in base64` } : { key };
};

/** null where it was taken, else why not. */
const attempt = async (deps: NoticeDeps, row: WaitingNotice): Promise<string | null> => {
  const notice = noticeSchema.safeParse(row.notice);
  const delivery = deliverySchema.safeParse(row.delivery);
  if (!notice.success || !delivery.success) return 'cannot be read as it was written by another version';
  const signing = keyOf(delivery.data.secret, deps.secretNamed);
  if ('problem' in signing) return signing.problem;
  const write = delivery.data.as === 'slack' ? asSlack : asWebhook;
  const written = write({ notice: notice.data, at: row.createdAt, controlUrl: deps.controlUrl });
  return postNotice({ to: delivery.data.to, written, key: signing.key, nowMs: deps.clock() });
};

/** An address may hold a secret in its path, as those of chats do: only its host is logged. */
const hostOf = (url: string): string => (URL.canParse(url) ? new URL(url).host : 'an address that is none');

const carryOne = async (deps: NoticeDeps, row: WaitingNotice): Promise<void> => {
  const { outbox, metrics, log } = deps;
  const { event, pipeline, attempts } = row;
  const problem = await attempt(deps, row);
  if (problem === null) {
    metrics.count('perennial_notices_total', { event, outcome: 'delivered' });
    return outbox.delivered(row);
  }
  const waitMs = backOffMs(deps.backOff ?? defaultBackOff, attempts, deps.random());
  const isLate = row.ageMs + waitMs > (deps.giveUpAfterMs ?? dayMs);
  log.warn(
    { pipeline, event, host: hostOf(row.target), attempts, problem },
    isLate ? 'Gave up on a notice' : 'Cannot deliver a notice yet',
  );
  metrics.count('perennial_notices_total', { event, outcome: isLate ? 'given up' : 'failed' });
  return isLate ? outbox.giveUp(row, problem) : outbox.postpone(row, problem, waitMs);
};

const showWaiting = async ({ outbox, metrics }: NoticeDeps): Promise<void> => {
  const { rows, oldestSeconds } = await outbox.waiting();
  metrics.set('perennial_notices_waiting', {}, rows);
  metrics.set('perennial_notices_oldest_seconds', {}, oldestSeconds);
};

/** One round: true where something was delivered, so that what waited behind it is due. */
export const createDeliverNotices = (deps: NoticeDeps): (() => Promise<boolean>) => {
  return async () => {
    const due = await deps.outbox.claim(batchRows, leaseMs, stepsAside);
    await Promise.all(due.map((row) => carryOne(deps, row)));
    await showWaiting(deps);
    return due.length > 0;
  };
};
