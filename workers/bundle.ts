/**
 * The workflow bundle, built ahead of time and kept by the digest of what goes into it: building takes seconds,
 * starting a worker should not.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';
import { createTracingPlugin } from '../infra/temporal/telemetry.ts';

const root = fileURLToPath(new URL('../', import.meta.url));
const workflowsFolder = join(root, 'workflows');
const require = createRequire(import.meta.url);

/** Packages whose code is inside the bundle or makes it; the worker must be of the bundler's very version. */
const packages = ['worker', 'workflow', 'common', 'interceptors-opentelemetry'];
const versionOf = (name: string): string => {
  const { version } = require(`@temporalio/${name}/package.json`) as { version: string };
  return `${name}@${version}`;
};

const sourceFiles = (): string[] =>
  readdirSync(workflowsFolder, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => join(workflowsFolder, file))
    .sort();

/** Paths belong to it: the bundle's source map holds them, and stack traces should be true. */
export const bundleDigest = (): string => {
  const hash = createHash('sha256').update(root).update(packages.map(versionOf).join(' '));
  for (const file of sourceFiles()) hash.update(`\0${relative(root, file)}\0`).update(readFileSync(file));
  return hash.digest('hex').slice(0, 16);
};

/** Bundles the workflows as every worker, replay and test must: with the tracing interceptors inside. */
export const buildBundle = async (): Promise<string> => {
  const { code } = await bundleWorkflowCode({
    workflowsPath: join(workflowsFolder, 'index.ts'),
    plugins: [createTracingPlugin()],
    logger: new DefaultLogger('WARN'),
  });
  return code;
};

/** Returns the path of the bundle of today's sources, building it if the cache does not have it. */
export const ensureBundle = async (cacheFolder: string): Promise<string> => {
  const folder = join(cacheFolder, 'bundles');
  const file = join(folder, `workflows-${bundleDigest()}.js`);
  if (existsSync(file)) return file;
  const code = await buildBundle();
  mkdirSync(folder, { recursive: true });
  const unfinished = `${file}.${process.pid}`;
  writeFileSync(unfinished, code);
  renameSync(unfinished, file);
  return file;
};
