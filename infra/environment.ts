/** The variables that the environment may hold. `infra/schemas/environment.md` is written from here. */
import { z } from 'zod';

const port = z.coerce.number().int().min(0).max(65535);
const address = z.url({ protocol: /^https?$/ });

export const environmentSchema = z.object({
  DATABASE_URL: z.string().optional().describe('PostgreSQL, `postgres://…`. Absent: one is started in the state folder'),
  TEMPORAL_ADDRESS: z.string().optional().describe('host:port of Temporal. Absent: one is started in the state folder'),
  TEMPORAL_NAMESPACE: z.string().optional().describe("Absent: `default`. TLS and keys are those of Temporal's own `TEMPORAL_*`"),
  PERENNIAL_STORE: z
    .string()
    .optional()
    .describe('Where objects are kept: `s3://bucket/prefix`, or a directory. Absent: a directory in the state folder'),
  S3_ENDPOINT: z.string().optional().describe("Of a store that is not Amazon's; credentials come from the usual AWS chain"),
  AWS_REGION: z.string().optional().describe('Absent: `us-east-1`'),
  PERENNIAL_STATE_DIR: z.string().optional().describe('State folder. Absent: `.perennial` in the working folder'),
  PERENNIAL_CACHE_DIR: z
    .string()
    .optional()
    .describe("What was built or downloaded once for all clones. Absent: `perennial` in the user's cache folder"),
  XDG_CACHE_HOME: z.string().optional().describe("The user's cache folder. Absent: `~/.cache`"),
  PERENNIAL_HOST: z.string().default('127.0.0.1').describe('Where the prediction server and the control plane listen'),
  PERENNIAL_PORT: port.default(8080).describe('Of the prediction server'),
  PERENNIAL_CONTROL_PORT: port.default(8081).describe('Of the control plane'),
  PERENNIAL_PUBLIC_URL: address
    .optional()
    .describe('Where people reach the control plane, for the links of notices. Absent: where it listens'),
  PERENNIAL_WEBHOOK_TOKENS: z
    .string()
    .optional()
    .describe('Bearer tokens of Alertmanager and Grafana, comma separated: several are valid while one replaces another'),
  PERENNIAL_WEBHOOK_SECRETS: z.string().optional().describe('Secrets of signed events, `whsec_<base64>`, comma separated'),
  // Ingest and views of 30 million rows: 580 MiB resident with 256 (460 at 3 million), 1,100 with 512, 1,360 with 1024; no
  // slower that could be measured. With less, wide tables may not be sorted at all.
  PERENNIAL_MEMORY_MIB: z.coerce.number().int().min(128).default(256).describe('That a step may use for tables, in MiB'),
  PERENNIAL_THREADS: z.coerce.number().int().min(1).optional().describe('That a step may use for tables. Absent: all cores'),
  PERENNIAL_PYTHON: z.string().optional().describe('Interpreter for trainers in Python. Absent: `python3` on the PATH'),
  PERENNIAL_TEMPORAL_BIN: z
    .string()
    .optional()
    .describe('A `temporal` program to start. Absent: on the PATH, else the cache, else downloaded, else built'),
  PERENNIAL_CAPTURE_FLUSH_MS: z.coerce
    .number()
    .int()
    .min(50)
    .default(5_000)
    .describe("How often a server tells its counters: what a kill -9 may lose of them, and how fresh a canary's evidence is"),
  PERENNIAL_CAPTURE_SHIP_MS: z.coerce
    .number()
    .int()
    .min(200)
    .default(60_000)
    .describe('How often a server ships its log of predictions: labels can be joined to what was shipped'),
  PERENNIAL_WORKER_METRICS: z
    .string()
    .optional()
    .describe("host:port of Temporal's own metrics of the flow worker; the others take the next two ports. Absent: none"),
  OTEL_EXPORTER_OTLP_ENDPOINT: address
    .optional()
    .describe(
      "A collector of spans of runs and steps, OTLP over HTTP: `http://127.0.0.1:4318`. Absent: none is recorded. Headers, names and batches: OpenTelemetry's own `OTEL_*`",
    ),
  OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: address.optional().describe('The same with its path, for spans alone'),
  PERENNIAL_LOG_LEVEL: z
    .enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'])
    .default('info')
    .describe('Of the log'),
  PERENNIAL_ACTOR: z.string().optional().describe('Who acts, for the audit log. Absent: user@host'),
  CI: z.string().optional().describe('Set on CI: a server that is missing is then a failure of tests, not a skip'),
});
