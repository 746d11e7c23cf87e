import type { Client } from '@temporalio/client';
import { connectTemporal } from '../../infra/temporal/client.ts';
import type { Context } from './context.ts';

/** Opens a Temporal client for the length of one piece of work. */
export const withTemporal = async <T>(context: Context, work: (client: Client) => Promise<T>): Promise<T> => {
  const connected = await connectTemporal(context.endpoints);
  try {
    return await work(connected.client);
  } finally {
    await connected.close();
  }
};
