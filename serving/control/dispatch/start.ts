/** The control plane's second half: what was accepted goes on to Temporal, what people should know goes out to them. */
import type { Config } from '../../../infra/config.ts';
import { createOutbox } from '../../../infra/postgres/outbox.ts';
import type { Db } from '../../../infra/postgres/pool.ts';
import { createWebhooks } from '../../../infra/postgres/webhooks.ts';
import type { Endpoints } from '../../../infra/state/endpoints.ts';
import type { Logger } from '../../../infra/telemetry/logger.ts';
import type { Metrics } from '../../../infra/telemetry/metrics.ts';
import { createTemporalLink } from '../../../infra/temporal/link.ts';
import { tellWatch } from '../../../infra/temporal/watch.ts';
import { startCourier } from './courier.ts';
import { createDeliverNotices } from './deliver-notices.ts';
import { createHandOver } from './hand-over.ts';

export type DispatchOptions = {
  readonly db: Db;
  readonly endpoints: Pick<Endpoints, 'temporalAddress' | 'temporalNamespace' | 'controlUrl'>;
  readonly config: Pick<Config, 'secretNamed' | 'publicUrl'>;
  readonly metrics: Metrics;
  readonly log: Logger;
};
export type Dispatch = {
  /** A webhook was accepted here: hand it over now. */
  onAccepted(): void;
  close(): Promise<void>;
};

/** What other processes write, and what is due again, is looked for so often: three small queries on partial indices. */
const idleMs = 1_000;
/** A server that answers at all answers in milliseconds; one that hangs must not hold a round up. */
const tellTimeoutMs = 5_000;

/** Needs neither Temporal nor the database to be there: both are asked until they answer. */
export const startDispatch = ({ db, endpoints, config, metrics, log }: DispatchOptions): Dispatch => {
  const link = createTemporalLink(endpoints);
  const common = { metrics, log, random: Math.random };
  const handOver = createHandOver({
    ...common,
    webhooks: createWebhooks(db),
    tell: (told) => link.ask(tellTimeoutMs, (client) => tellWatch(client, told)),
  });
  const deliver = createDeliverNotices({
    ...common,
    outbox: createOutbox(db),
    secretNamed: config.secretNamed,
    controlUrl: config.publicUrl ?? endpoints.controlUrl,
    clock: () => Date.now(),
  });
  const webhooks = startCourier({ name: 'webhooks', carry: handOver, idleMs, log });
  const notices = startCourier({ name: 'notices', carry: deliver, idleMs, log });
  return {
    onAccepted: () => webhooks.poke(),
    close: async () => {
      await Promise.all([webhooks.close(), notices.close()]);
      await link.close();
    },
  };
};
