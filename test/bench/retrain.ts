/**
 * What durability costs a whole run: flights of January through the workflow (real servers, a worker for each queue), and
 * the same real steps called one after the other in this process. Each turn has a database, a store and a Temporal server
 * of its own, so that no side finds what the other left. Trains with the reference trainer. Parameters: [turns, 3].
 */
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { styleText } from 'node:util';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import type { RetrainRequest } from '#domain/contracts/retrain.ts';
import type { Instant, PipelineName } from '#domain/units.ts';
import { loadConfig } from '../../infra/config.ts';
import { migrateToLatest } from '../../infra/postgres/migrate.ts';
import { startPostgres } from '../../infra/postgres/server.ts';
import { listSources } from '../../infra/sources/list.ts';
import { findTemporalBinary } from '../../infra/temporal/binary.ts';
import { applyPipeline } from '../../workers/cli/spec/apply-pipeline.ts';
import { deliverMonth } from '../support/flights-data.ts';
import { median } from '../support/median.ts';
import { openRealPlace, type RealPlace } from '../workflows/real.ts';
import { newRequest, openWorld } from '../workflows/world.ts';

/** product.md 5: the whole retrain, as a multiple of its bare steps. */
const goal = 1.15;
const pipeline = 'flights' as PipelineName;

const definition = `
name: flights
data:
  source: { type: parquet, path: data/ }
  event_time: date
  label: { name: late, sql: delay > 15, known_after: 1d }
  columns:
    date:        { type: timestamp }
    delay:       { type: integer, min: -120, max: 2000, role: outcome }
    distance:    { type: integer, min: 1, max: 6000 }
    origin:      { type: category }
    destination: { type: category }
features:
  views:
    origin_7d: { entity: origin, window: 7d, values: { late_rate: avg(late) } }
  inputs:
    hour:                { from: date, part: hour }
    distance:            { impute: median, scale: standard }
    origin:              { encode: target, min_count: 100 }
    origin_7d.late_rate: { impute: mean, scale: standard }
training: { trainer: reference, holdout: 7d }
gate: { metric: roc_auc, minimum: { roc_auc: 0.5 } }
`;

/** The request that `perennial run` would make. */
const prepareRequest = async ({ context }: RealPlace, home: string): Promise<RetrainRequest> => {
  await deliverMonth(home, 1);
  writeFileSync(join(home, 'pipeline.yaml'), definition);
  const applied = await applyPipeline(context, home);
  const source = { type: 'parquet', path: 'data/' } as never;
  const { cacheDir, s3 } = context.config;
  const listing = await listSources({ source, sources: {} }, home, { cacheFolder: cacheDir, s3, content: context.content });
  const listingSha256 = await context.content.putJson(listing);
  return newRequest({ pipeline, definitionSha256: applied.definition, listingSha256 });
};

/** A server that takes every generation at once: without one a run waits 5 s for one to appear, which is no step's time. */
const actAsServer = ({ context: { deployments } }: RealPlace): (() => Promise<void>) => {
  let ended = false;
  const serve = async (): Promise<void> => {
    while (!ended) {
      const { generation, champion } = await deployments.get(pipeline);
      const state = champion === null ? 'loading' : 'serving';
      const said = { serverId: 'server-1', pipeline, generation, candidateSha256: null, share: 0, state, reason: null } as const;
      await deployments.report({
        ...said,
        modelSha256: champion?.modelSha256 ?? null,
        reportedAt: new Date().toISOString() as Instant,
      });
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  };
  const serving = serve();
  return () => {
    ended = true;
    return serving;
  };
};

type Timed = { readonly ms: number; readonly verdict: string };

const timed = async (work: () => Promise<string>): Promise<Timed> => {
  const startedAt = performance.now();
  const verdict = await work();
  return { ms: performance.now() - startedAt, verdict };
};

/** The steps of a run that promotes, in its order, with nothing between them. */
const callSteps = async ({ cpu, gpu }: RealPlace, request: RetrainRequest): Promise<string> => {
  const call = <Input, Output>(step: (input: Input) => Promise<Output>, input: Input): Promise<Output> =>
    new MockActivityEnvironment({}, { logger: new DefaultLogger('ERROR') }).run(
      step as (...inputs: unknown[]) => Promise<Output>,
      input,
    );
  const plan = await call(cpu.admitRetrain, request);
  const ref = { pipeline, runKey: plan.runKey, definitionSha256: plan.definitionSha256 };
  const { cutoff } = plan;
  const batch = await call(cpu.ingestSources, { ...ref, listingSha256: plan.listingSha256, cutoff });
  const { reportSha256 } = await call(cpu.validateBatch, { ...ref, batchSha256: batch.batchSha256 });
  const { snapshotSha256 } = await call(cpu.freezeSnapshot, { ...ref, batchSha256: batch.batchSha256, reportSha256, cutoff });
  const { frameSha256, featureSetSha256 } = await call(cpu.buildFeatures, { ...ref, snapshotSha256 });
  const trained = await call(gpu.trainCandidate, { ...ref, frameSha256, timeoutMs: plan.trainTimeoutMs });
  const trainingResultSha256 = trained.resultSha256;
  const evaluated = await call(cpu.evaluateCandidate, { ...ref, frameSha256, trainingResultSha256 });
  const { reportSha256: evaluationSha256, modelSha256, championGeneration, verdict, metrics } = evaluated;
  const candidate = { codeVersion: plan.codeVersion, snapshotSha256, frameSha256, trainingResultSha256, modelSha256 };
  const { version } = await call(cpu.registerCandidate, { ...ref, ...candidate, evaluationSha256 });
  await call(cpu.publishFeatures, { ...ref, snapshotSha256, featureSetSha256 });
  const promotion = { ...ref, version, expectedGeneration: championGeneration, by: plan.trigger.by, reason: verdict.reason };
  const { generation } = await call(cpu.promoteVersion, promotion);
  const { reason } = await call(cpu.confirmServing, { pipeline, generation });
  const ids = { workflowId: 'bare', pipeline, runKey: plan.runKey, dataVersion: snapshotSha256, modelVersion: version };
  await call(cpu.finishRun, { ...ids, verdict: 'promoted', reason, gate: verdict, metrics });
  return 'promoted';
};

const runWorkflow = async (place: RealPlace, request: RetrainRequest, binary: string): Promise<Timed> => {
  const world = await openWorld(place, { binary });
  try {
    return await timed(async () => (await world.run(request)).verdict);
  } finally {
    await world.close();
  }
};

/** One side, once, in a world that is new. */
const takeTurn = async (side: 'workflow' | 'bare', binary: string): Promise<number> => {
  const folder = mkdtempSync(join(tmpdir(), 'perennial-bench-'));
  // PostgreSQL runs as another user, who must get through.
  chmodSync(folder, 0o755);
  const inside = (name: string): string => join(folder, name);
  const server = await startPostgres({
    dataDir: inside('postgres'),
    outsideDir: inside('outside'),
    logFile: inside('postgres.log'),
    database: 'bench',
  });
  try {
    await migrateToLatest(server.url);
    const store = { kind: 'directory', folder: inside('store') } as const;
    const place = openRealPlace({ databaseUrl: server.url, store }, folder, async () => 1);
    const stopServing = actAsServer(place);
    const request = await prepareRequest(place, inside('flights'));
    try {
      const work = side === 'bare' ? timed(() => callSteps(place, request)) : runWorkflow(place, request, binary);
      const { ms, verdict } = await work;
      if (verdict !== 'promoted') throw new Error(`Expected "promoted", the ${side} run ended "${verdict}"`);
      return ms;
    } finally {
      await stopServing();
      await place.close();
    }
  } finally {
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  }
};

export const run = async ([turns = '3']: readonly string[]): Promise<void> => {
  const { path } = await findTemporalBinary(loadConfig(), (line) => process.stderr.write(`${line}\n`));
  const [bare, workflow]: [number[], number[]] = [[], []];
  // The first turn warms caches and is not counted.
  for (let turn = 0; turn <= Number(turns); turn += 1) {
    const [bareMs, workflowMs] = [await takeTurn('bare', path), await takeTurn('workflow', path)];
    process.stdout.write(`turn ${turn}: bare steps ${bareMs.toFixed(0)} ms, workflow ${workflowMs.toFixed(0)} ms\n`);
    if (turn === 0) continue;
    bare.push(bareMs);
    workflow.push(workflowMs);
  }
  const ratio = median(workflow) / median(bare);
  const sign = ratio <= goal ? styleText('green', '<=') : styleText('red', '>');
  process.stdout.write(`medians: workflow / bare steps = ${ratio.toFixed(2)} ${sign} ${goal}\n`);
  process.exitCode = ratio <= goal ? 0 : 3;
};
