/** Hands accepted webhooks to Temporal, until it has taken them. */
import { arrivalSchema } from '#domain/contracts/arrival.ts';
import type { WaitingDelivery, Webhooks } from '../../../infra/postgres/webhooks.ts';
import type { Logger } from '../../../infra/telemetry/logger.ts';
import type { Metrics } from '../../../infra/telemetry/metrics.ts';
import type { ToldWatch } from '../../../infra/temporal/watch.ts';
import { type BackOff, backOffMs } from './back-off.ts';

export type HandOverDeps = {
  readonly webhooks: Omit<Webhooks, 'accept'>;
  /** Rejects where Temporal did not take it. */
  readonly tell: (told: ToldWatch) => Promise<void>;
  readonly metrics: Metrics;
  readonly log: Logger;
  readonly random: () => number;
  readonly backOff?: BackOff;
};

/** As many as one server takes in well under a second; the rest waits for the next round, which begins at once. */
const batchRows = 50;
/** Longer than an attempt may take, so that nobody takes a row that is still being carried; else it goes out twice. */
const leaseMs = 30_000;
/** Longest wait: the end of an outage is noticed within half a minute, and a thousand rows ask 33 times a second meanwhile. */
const defaultBackOff: BackOff = { firstMs: 500, mostMs: 30_000 };
/** A watch that is woken more often only reads the same labels again. */
const labelsEveryMs = 5_000;
/** A sender that repeats itself is known for so long. */
const keptMs = 7 * 86_400_000;

const messageOf = (error: unknown): string => {
  const own = error instanceof Error ? error.message : String(error);
  const { cause } = error as { cause?: unknown };
  return cause instanceof Error ? `${own}: ${cause.message}` : own;
};

const carryOne = async (deps: HandOverDeps, delivery: WaitingDelivery): Promise<void> => {
  const { webhooks, metrics, log, tell } = deps;
  try {
    await tell({ ...delivery, arrival: arrivalSchema.parse(delivery.arrival) });
  } catch (error) {
    metrics.count('perennial_webhook_attempts_total', { outcome: 'failed' });
    const waitMs = backOffMs(deps.backOff ?? defaultBackOff, delivery.attempts, deps.random());
    log.warn({ err: error, pipeline: delivery.pipeline, attempts: delivery.attempts }, 'Cannot hand a webhook to Temporal yet');
    return webhooks.postpone(delivery, messageOf(error), waitMs);
  }
  metrics.count('perennial_webhook_attempts_total', { outcome: 'handed over' });
  return webhooks.settle(delivery);
};

const showWaiting = async ({ webhooks, metrics }: HandOverDeps): Promise<void> => {
  const { rows, oldestSeconds } = await webhooks.waiting();
  metrics.set('perennial_webhook_waiting', {}, rows);
  metrics.set('perennial_webhook_oldest_seconds', {}, oldestSeconds);
};

/** One round: true where a whole batch was due, so that more may be. */
export const createHandOver = (deps: HandOverDeps): (() => Promise<boolean>) => {
  let cleanedAt = Number.NEGATIVE_INFINITY;
  const cleanHourly = async (): Promise<void> => {
    if (performance.now() - cleanedAt < 3_600_000) return;
    cleanedAt = performance.now();
    await deps.webhooks.forget(keptMs);
  };
  return async () => {
    await deps.webhooks.dropDeleted();
    await deps.webhooks.noticeLabels(labelsEveryMs);
    const due = await deps.webhooks.claim(batchRows, leaseMs);
    await Promise.all(due.map((delivery) => carryOne(deps, delivery)));
    await showWaiting(deps);
    await cleanHourly();
    return due.length === batchRows;
  };
};
