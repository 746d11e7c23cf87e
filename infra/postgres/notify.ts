import { setTimeout as delay } from 'node:timers/promises';
import { type Kysely, sql } from 'kysely';
import pg from 'pg';
import type { PipelineName } from '#domain/units.ts';
import { connectionSettings } from './pool.ts';
import { channels, type Tables } from './tables.ts';

export type Listener = { close(): Promise<void> };

/** Between tries to reach a database that went away; listeners poll meanwhile, so nothing waits for this. */
const reconnectMs = { first: 100, most: 5_000 };

/** Tells listeners that what a pipeline should serve has changed. It goes out when the transaction commits. */
export const notifyServing = async (db: Kysely<Tables>, pipeline: PipelineName): Promise<void> => {
  await sql`select pg_notify(${channels.serving}, ${pipeline})`.execute(db);
};

/** One connection that listens; resolves when it broke or was stopped. */
const listenOnce = async (url: string, stop: AbortSignal, onListening: () => void, onPayload: (payload: string) => void) => {
  const client = new pg.Client(connectionSettings(url));
  const ended = new Promise<void>((resolve) => {
    client.on('end', resolve);
    client.on('error', () => resolve());
    stop.addEventListener('abort', () => resolve(), { once: true });
  });
  try {
    await client.connect();
    client.on('notification', (notification) => onPayload(notification.payload ?? ''));
    await client.query(`listen ${pg.escapeIdentifier(channels.serving)}`);
    onListening();
    await ended;
  } finally {
    await client.end().catch(() => {});
  }
};

/**
 * Calls back with the pipeline whose deployment or online features changed, and with null after every (re)connection:
 * whatever was announced before it is lost, so look at all. Reconnects by itself until closed. A notification may
 * still be lost with its connection: callers poll as well.
 */
export const listenForServing = (url: string, onChange: (pipeline: PipelineName | null) => void): Listener => {
  const stop = new AbortController();
  const follow = async (): Promise<void> => {
    let wait = reconnectMs.first;
    const onListening = () => {
      wait = reconnectMs.first;
      onChange(null);
    };
    while (!stop.signal.aborted) {
      await listenOnce(url, stop.signal, onListening, (payload) => onChange(payload as PipelineName)).catch(() => {});
      await delay(wait, undefined, { signal: stop.signal }).catch(() => {});
      wait = Math.min(wait * 2, reconnectMs.most);
    }
  };
  const following = follow();
  return {
    close: async () => {
      stop.abort();
      await following;
    },
  };
};
