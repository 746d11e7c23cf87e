/** The environment, parsed once. Nobody else reads `process.env`; tests pass their own record. */
import { createHash } from 'node:crypto';
import { availableParallelism, homedir, hostname, userInfo } from 'node:os';
import { join, resolve } from 'node:path';
import { PerennialError } from '#domain/errors.ts';
import { environmentSchema } from './environment.ts';
import { secretBytes } from './webhooks/signature.ts';

export type Config = {
  readonly stateDir: string;
  readonly cacheDir: string;
  readonly databaseUrl: string | null;
  readonly store:
    | { readonly kind: 'directory'; readonly folder: string }
    | {
        readonly kind: 's3';
        readonly bucket: string;
        readonly prefix: string;
        readonly endpoint: string | null;
        readonly region: string;
      };
  /** Where s3:// sources are read; credentials come from the environment's usual AWS chain. */
  readonly s3: { readonly endpoint: string | null; readonly region: string };
  readonly host: string;
  readonly port: number;
  readonly controlPort: number;
  readonly temporal: { readonly address: string | null; readonly namespace: string; readonly binary: string | null };
  readonly python: string | null;
  readonly capture: { readonly folder: string; readonly flushMs: number; readonly shipMs: number };
  readonly publicUrl: string | null;
  /** Who may call the control plane's webhooks; without any nobody may. */
  readonly webhooks: { readonly tokens: readonly string[]; readonly keys: readonly Uint8Array[] };
  /** A secret by the name of its variable, as a pipeline's `notify` names it; null where it is not set. */
  readonly secretNamed: (variable: string) => string | null;
  readonly memoryMiB: number;
  readonly threads: number;
  readonly workerMetricsAddress: string | null;
  /** Where spans are posted; null: nowhere. */
  readonly tracesEndpoint: string | null;
  readonly logLevel: 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'silent';
  /** Who acts, for the audit log: PERENNIAL_ACTOR, else user@host. */
  readonly actor: string;
  readonly isCi: boolean;
  /** What programs that we launch inherit: where tools are, how text looks, which devices there are. Never a credential. */
  readonly programEnvironment: Readonly<Record<string, string>>;
  /** The same for installers, which also need proxies, certificates and the settings of their package manager. */
  readonly installerEnvironment: Readonly<Record<string, string>>;
};

const programVariables =
  /^(PATH|HOME|USER|LOGNAME|LANG|LC_\w+|TZ|TMPDIR|LD_LIBRARY_PATH|DYLD_LIBRARY_PATH|CUDA_\w+|NVIDIA_\w+|ROCR_\w+|HIP_\w+|PYENV_\w+)$/;
const installerVariables = /^(PIP_\w+|SSL_CERT_\w+|REQUESTS_CA_BUNDLE|XDG_CACHE_HOME|(https?|no|all)_proxy)$/i;

const pick = (present: Readonly<Record<string, string | undefined>>, ...patterns: RegExp[]): Record<string, string> =>
  Object.fromEntries(
    Object.entries(present).filter(
      (entry): entry is [string, string] => entry[1] !== undefined && patterns.some((pattern) => pattern.test(entry[0])),
    ),
  );

const parseStore = (text: string | undefined, stateDir: string, endpoint: string | null, region: string): Config['store'] => {
  if (text === undefined) return { kind: 'directory', folder: join(stateDir, 'store') };
  const match = /^s3:\/\/([^/]+)\/?(.*)$/.exec(text);
  if (!match) return { kind: 'directory', folder: resolve(text) };
  return { kind: 's3', bucket: match[1] as string, prefix: (match[2] as string).replace(/\/$/, ''), endpoint, region };
};

const listed = (text: string | undefined): string[] =>
  (text ?? '')
    .split(',')
    .map((one) => one.trim())
    .filter((one) => one !== '');

/** 64 bits in hexadecimal; what is shorter can be guessed. */
const leastTokenCharacters = 16;

const parseKey = (secret: string): Uint8Array => {
  const bytes = secretBytes(secret);
  if (bytes !== null) return bytes;
  const form = '"whsec_" and 24 to 64 bytes in base64';
  throw new PerennialError('PRN_CONFIG_INVALID', `Cannot use PERENNIAL_WEBHOOK_SECRETS: each should be ${form}`);
};

const parseWebhooks = (tokens: string | undefined, secrets: string | undefined): Config['webhooks'] => {
  if (listed(tokens).some((token) => token.length < leastTokenCharacters || /\s/.test(token))) {
    const form = `at least ${leastTokenCharacters} characters without spaces`;
    throw new PerennialError('PRN_CONFIG_INVALID', `Cannot use PERENNIAL_WEBHOOK_TOKENS: each should be ${form}`);
  }
  return { tokens: listed(tokens), keys: listed(secrets).map(parseKey) };
};

/** One for all signals has a path for each below it; one for traces is taken as it is. */
const tracesEndpointOf = (traces: string | undefined, all: string | undefined): string | null =>
  traces ?? (all === undefined ? null : `${all.replace(/\/$/, '')}/v1/traces`);

/** Parses the environment; throws PRN_CONFIG_INVALID naming the variable. Empty variables count as absent. */
export const loadConfig = (environment: Readonly<Record<string, string | undefined>> = process.env): Config => {
  const present = Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== ''));
  const parsed = environmentSchema.safeParse(present);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw new PerennialError(
      'PRN_CONFIG_INVALID',
      `Cannot use the environment as "${issue?.path.join('.')}" is wrong: ${issue?.message}`,
    );
  }
  const env = parsed.data;
  const stateDir = resolve(env.PERENNIAL_STATE_DIR ?? '.perennial');
  return {
    stateDir,
    cacheDir: env.PERENNIAL_CACHE_DIR ?? join(env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'perennial'),
    databaseUrl: env.DATABASE_URL ?? null,
    store: parseStore(env.PERENNIAL_STORE, stateDir, env.S3_ENDPOINT ?? null, env.AWS_REGION ?? 'us-east-1'),
    s3: { endpoint: env.S3_ENDPOINT ?? null, region: env.AWS_REGION ?? 'us-east-1' },
    host: env.PERENNIAL_HOST,
    port: env.PERENNIAL_PORT,
    controlPort: env.PERENNIAL_CONTROL_PORT,
    temporal: {
      address: env.TEMPORAL_ADDRESS ?? null,
      namespace: env.TEMPORAL_NAMESPACE ?? 'default',
      binary: env.PERENNIAL_TEMPORAL_BIN ?? null,
    },
    python: env.PERENNIAL_PYTHON ?? null,
    capture: {
      folder: join(stateDir, 'capture'),
      flushMs: env.PERENNIAL_CAPTURE_FLUSH_MS,
      shipMs: env.PERENNIAL_CAPTURE_SHIP_MS,
    },
    publicUrl: env.PERENNIAL_PUBLIC_URL ?? null,
    webhooks: parseWebhooks(env.PERENNIAL_WEBHOOK_TOKENS, env.PERENNIAL_WEBHOOK_SECRETS),
    secretNamed: (variable) => (Object.hasOwn(present, variable) ? (present[variable] ?? null) : null),
    memoryMiB: env.PERENNIAL_MEMORY_MIB,
    threads: env.PERENNIAL_THREADS ?? availableParallelism(),
    workerMetricsAddress: env.PERENNIAL_WORKER_METRICS ?? null,
    tracesEndpoint: tracesEndpointOf(env.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT, env.OTEL_EXPORTER_OTLP_ENDPOINT),
    logLevel: env.PERENNIAL_LOG_LEVEL,
    actor: env.PERENNIAL_ACTOR ?? `${userInfo().username}@${hostname()}`,
    isCi: env.CI !== undefined && env.CI !== 'false',
    programEnvironment: pick(present, programVariables),
    installerEnvironment: pick(present, programVariables, installerVariables),
  };
};

/** Short stable name of a state folder, for what must live outside it (PostgreSQL's data where root's home is closed). */
export const stateId = (stateDir: string): string => createHash('sha256').update(resolve(stateDir)).digest('hex').slice(0, 12);

/** The environment of a child process: ours, with additions; a variable that is null is taken out. */
export const childEnvironment = (
  additions: Readonly<Record<string, string | null>>,
  environment: Readonly<Record<string, string | undefined>> = process.env,
): Record<string, string | undefined> => {
  const merged = { ...environment, ...additions };
  return Object.fromEntries(Object.entries(merged).flatMap(([name, value]) => (value === null ? [] : [[name, value]])));
};
