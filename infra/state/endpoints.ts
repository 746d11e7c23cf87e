/** Where the servers are: as the environment says, else as a running `perennial up` recorded. */
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { PerennialError } from '#domain/errors.ts';
import type { Config } from '../config.ts';
import { readJsonFile, writePrivateFile } from './files.ts';
import { supervisorOf } from './up-record.ts';

export type Endpoints = {
  /** Holds a password. */
  readonly databaseUrl: string;
  readonly temporalAddress: string;
  readonly temporalNamespace: string;
  readonly temporalUiUrl: string | null;
  readonly store: Config['store'];
  readonly serveUrl: string;
  readonly controlUrl: string;
};

const storeSchema = z.union([
  z.object({ kind: z.literal('directory'), folder: z.string() }),
  z.object({
    kind: z.literal('s3'),
    bucket: z.string(),
    prefix: z.string(),
    endpoint: z.string().nullable(),
    region: z.string(),
  }),
]);
const endpointsSchema = z.object({
  databaseUrl: z.string(),
  temporalAddress: z.string(),
  temporalNamespace: z.string(),
  temporalUiUrl: z.string().nullable(),
  store: storeSchema,
  serveUrl: z.string(),
  controlUrl: z.string(),
});

type StateFolder = Pick<Config, 'stateDir'>;
const endpointsFile = ({ stateDir }: StateFolder): string => join(stateDir, 'endpoints.json');

/** What a running `perennial up` recorded; null where none did, or it stopped. */
export const readEndpoints = (config: StateFolder): Endpoints | null => {
  const parsed = endpointsSchema.safeParse(readJsonFile(endpointsFile(config)));
  return parsed.success ? parsed.data : null;
};

export const recordEndpoints = (config: StateFolder, endpoints: Endpoints): void =>
  writePrivateFile(endpointsFile(config), `${JSON.stringify(endpoints, null, 2)}\n`);

export const forgetEndpoints = (config: StateFolder): void => rmSync(endpointsFile(config), { force: true });

/** A server that listens on every address is reached through the loopback. */
export const urlOf = (host: string, port: number): string =>
  `http://${host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host}:${port}`;

/** How to ask what runs from a folder just inside this one, as the demo does beside a stopped `up`; null where nothing does. */
export const hintOfInside = (stateDir: string): string | null => {
  const entries = existsSync(stateDir) ? readdirSync(stateDir, { withFileTypes: true }) : [];
  const inside = entries.filter((entry) => entry.isDirectory()).map(({ name }) => join(stateDir, name));
  const found = inside.find((folder) => supervisorOf(folder) !== null);
  return found === undefined ? null : `what runs from "${found}" is asked with PERENNIAL_STATE_DIR=${found}`;
};

const missing = (config: Config): PerennialError => {
  const names = [config.databaseUrl === null && 'DATABASE_URL', config.temporal.address === null && 'TEMPORAL_ADDRESS'];
  const hint = hintOfInside(config.stateDir);
  return new PerennialError(
    'PRN_UNREACHABLE',
    `Cannot find the servers as nothing runs from "${config.stateDir}": ${hint === null ? '' : `${hint}; else `}run \`perennial up\`, or set ${names.filter(Boolean).join(' and ')}`,
  );
};

/**
 * The environment first, what `perennial up` recorded for the rest. Does not ask whether they answer. Throws
 * PRN_UNREACHABLE where an address is in neither.
 */
export const resolveEndpoints = async (config: Config): Promise<Endpoints> => {
  const recorded = readEndpoints(config);
  const databaseUrl = config.databaseUrl ?? recorded?.databaseUrl;
  const temporalAddress = config.temporal.address ?? recorded?.temporalAddress;
  if (databaseUrl === undefined || temporalAddress === undefined) throw missing(config);
  const sameTemporal = recorded?.temporalAddress === temporalAddress;
  return {
    databaseUrl,
    temporalAddress,
    temporalNamespace: config.temporal.address === null && recorded ? recorded.temporalNamespace : config.temporal.namespace,
    temporalUiUrl: sameTemporal ? recorded.temporalUiUrl : null,
    store: recorded !== null && config.databaseUrl === null ? recorded.store : config.store,
    serveUrl: recorded?.serveUrl ?? urlOf(config.host, config.port),
    controlUrl: recorded?.controlUrl ?? urlOf(config.host, config.controlPort),
  };
};
