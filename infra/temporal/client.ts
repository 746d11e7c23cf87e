/** Connections to Temporal, with tracing interceptors. */
import { connect } from 'node:net';
import { Client, Connection, type ConnectionOptions } from '@temporalio/client';
import { loadClientConnectConfig } from '@temporalio/envconfig';
// Not the package's front door, which loads the worker's half too: 90 ms of every command's start.
import { OpenTelemetryWorkflowClientInterceptor } from '@temporalio/interceptors-opentelemetry/lib/client/index.js';
import { PerennialError } from '#domain/errors.ts';
import type { Endpoints } from '../state/endpoints.ts';

type TemporalAddress = Pick<Endpoints, 'temporalAddress' | 'temporalNamespace'>;

/** Long enough for a server across an ocean that is waking up, short enough for a person who waits. */
const connectTimeoutMs = 10_000;

const loadProfile = () => {
  try {
    return loadClientConnectConfig().connectionOptions;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new PerennialError('PRN_CONFIG_INVALID', `Cannot use TEMPORAL_* or Temporal's configuration file: ${reason}`, {
      cause,
    });
  }
};

/**
 * Address, TLS and keys, as TEMPORAL_* and Temporal's own configuration file say, where those name the same server;
 * else the bare address: a profile for a production server must not be applied to a local one.
 */
export const temporalConnectionOptions = ({
  temporalAddress,
}: TemporalAddress): { address: string } & Pick<ConnectionOptions, 'tls' | 'apiKey' | 'metadata'> => {
  const { address, tls, apiKey, metadata } = loadProfile();
  if (address !== temporalAddress) return { address: temporalAddress };
  return {
    address,
    ...(tls == null ? {} : { tls }),
    ...(typeof apiKey === 'string' ? { apiKey } : {}),
    ...(metadata == null ? {} : { metadata }),
  };
};

export type TemporalConnection = { readonly connection: Connection; readonly client: Client; close(): Promise<void> };

/** Nobody listens there: known in a millisecond, while gRPC would try again for its whole time. */
const isRefused = (address: string): Promise<boolean> =>
  new Promise((resolve) => {
    const at = address.lastIndexOf(':');
    const socket = connect({ host: address.slice(0, at), port: Number(address.slice(at + 1)), timeout: 1_000 });
    const answer = (refused: boolean): void => {
      socket.destroy();
      resolve(refused);
    };
    socket.once('connect', () => answer(false));
    socket.once('timeout', () => answer(false));
    socket.once('error', (error: NodeJS.ErrnoException) => answer(error.code === 'ECONNREFUSED'));
  });

const unreachable = (address: string, reason: string, cause?: unknown): PerennialError =>
  new PerennialError('PRN_UNREACHABLE', `Cannot reach Temporal at "${address}": ${reason}`, { cause });

/** Connects, or throws PRN_UNREACHABLE with the address. Close it: an open one keeps the process alive. */
export const connectTemporal = async (endpoints: TemporalAddress): Promise<TemporalConnection> => {
  const options = { ...temporalConnectionOptions(endpoints), connectTimeout: connectTimeoutMs };
  if (/^[^/]+:\d+$/.test(options.address) && (await isRefused(options.address))) {
    throw unreachable(endpoints.temporalAddress, 'nobody listens there');
  }
  const connection = await Connection.connect(options).catch((cause: Error) => {
    throw unreachable(endpoints.temporalAddress, cause.message, cause);
  });
  const interceptors = { workflow: [new OpenTelemetryWorkflowClientInterceptor()] };
  const client = new Client({ connection, namespace: endpoints.temporalNamespace, interceptors });
  return { connection, client, close: () => connection.close() };
};
