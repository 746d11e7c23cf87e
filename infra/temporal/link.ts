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

/** Opens nothing until it is asked. The library itself would wait up to two minutes before it tries a lost server again. */
export const createTemporalLink = (address: Address): TemporalLink => {
  let open: Promise<TemporalConnection> | null = null;
  const drop = async (broken: Promise<TemporalConnection>): Promise<void> => {
    if (open === broken) open = null;
    await broken.then((one) => one.close()).catch(() => undefined);
  };
  return {
    ask: async (withinMs, work) => {
      open ??= connectTemporal(address);
      const used = open;
      try {
        const { client } = await used;
        return await client.withDeadline(Date.now() + withinMs, () => work(client));
      } catch (error) {
        if (isConnectionFault(error)) await drop(used);
        throw error;
      }
    },
    close: async () => {
      if (open !== null) await drop(open);
    },
  };
};
