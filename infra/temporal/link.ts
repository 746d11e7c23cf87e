/** A connection to Temporal that is made when it is needed and made anew after it broke, for processes that outlive the server. */
import { type Client, isGrpcServiceError } from '@temporalio/client';
import { PerennialError } from '#domain/errors.ts';
import { connectTemporal, type TemporalConnection } from './client.ts';

type Address = Parameters<typeof connectTemporal>[0];

/** gRPC's "deadline exceeded" and "unavailable": the connection may be at fault, and not what was asked. */
const connectionCodes: ReadonlySet<number> = new Set([4, 14]);

const isConnectionFault = (error: unknown): boolean => {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (cause instanceof PerennialError && cause.code === 'PRN_UNREACHABLE') return true;
    if (isGrpcServiceError(cause) && connectionCodes.has(cause.code)) return true;
  }
  return false;
};

export type TemporalLink = {
  /** Throws PRN_UNREACHABLE where nobody answers, else what the work throws; not later than the time allowed. */
  ask<Answer>(withinMs: number, work: (client: Client) => Promise<Answer>): Promise<Answer>;
  close(): Promise<void>;
};

/**
 * A connection with the calls that are under way on it. The library tries a call again by a timer, and on a connection
 * that was closed meanwhile that timer throws where nobody can catch it: it would end the process.
 */
type Held = { readonly connected: Promise<TemporalConnection>; users: number; isRetired: boolean };

const release = async (held: Held): Promise<void> => {
  held.users -= 1;
  if (held.isRetired && held.users === 0) await held.connected.then((one) => one.close()).catch(() => undefined);
};

/** Rejects where an answer stays away: connecting and trying again have times of their own. */
const atMost = <Answer>(withinMs: number, answer: Promise<Answer>): Promise<Answer> => {
  const late = Promise.withResolvers<never>();
  const seconds = withinMs / 1000;
  const timer = setTimeout(
    () => late.reject(new PerennialError('PRN_UNREACHABLE', `Cannot reach Temporal: no answer within ${seconds} s`)),
    withinMs,
  );
  return Promise.race([answer, late.promise]).finally(() => clearTimeout(timer));
};

/** Opens nothing until it is asked. The library itself would wait up to two minutes before it tries a lost server again. */
export const createTemporalLink = (address: Address): TemporalLink => {
  let open: Held | null = null;
  const retire = (held: Held): void => {
    held.isRetired = true;
    if (open === held) open = null;
  };
  /** Whoever stops waiting for a call does not end it: it is a user until it has settled. */
  const use = async <Answer>(held: Held, withinMs: number, work: (client: Client) => Promise<Answer>): Promise<Answer> => {
    held.users += 1;
    try {
      const { client } = await held.connected;
      return await client.withDeadline(Date.now() + withinMs, () => work(client));
    } catch (error) {
      if (isConnectionFault(error)) retire(held);
      throw error;
    } finally {
      await release(held);
    }
  };
  return {
    ask: (withinMs, work) => {
      open ??= { connected: connectTemporal(address), users: 0, isRetired: false };
      return atMost(withinMs, use(open, withinMs, work));
    },
    close: async () => {
      if (open === null) return;
      const last = open;
      last.users += 1;
      retire(last);
      await release(last);
    },
  };
};
