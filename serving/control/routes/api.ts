import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { PerennialError } from '#domain/errors.ts';
import { type ControlDeps, reportMaxAgeMs } from '../deps.ts';
import {
  decisionSchema,
  deploymentsSchema,
  listQuerySchema,
  modelsSchema,
  modelVersionSchema,
  pipelineParamsSchema,
  pipelineSchema,
  runDetailSchema,
  runParamsSchema,
  runSchema,
  snapshotSchema,
  versionParamsSchema,
} from '../schemas.ts';

const notFound = (what: string, list: string): PerennialError =>
  new PerennialError('PRN_NOT_FOUND', `Cannot find ${what}: see GET ${list}`);

/** Reads of runs and decisions. */
export const runRoutes =
  ({ runs, registry, evaluations }: ControlDeps): FastifyPluginAsyncZod =>
  async (app) => {
    app.get(
      '/api/runs',
      {
        schema: {
          summary: 'Runs, newest first',
          querystring: listQuerySchema,
          response: { 200: z.object({ runs: z.array(runSchema) }) },
        },
      },
      async ({ query: { pipeline, limit } }) => ({
        runs: [...(await runs.list({ limit, ...(pipeline !== undefined && { pipeline }) }))],
      }),
    );
    app.get(
      '/api/runs/:runKey',
      {
        schema: {
          summary: 'One run with its stages, metrics and decisions',
          params: runParamsSchema,
          response: { 200: runDetailSchema },
        },
      },
      async ({ params: { runKey } }) => {
        const run = await runs.get(runKey);
        if (run === null) throw notFound(`run "${runKey}"`, '/api/runs');
        const [stages, metrics, decisions] = await Promise.all([
          runs.stages(runKey),
          runs.metrics(runKey),
          registry.evaluations(runKey),
        ]);
        return { run, stages: [...stages], metrics: [...metrics], decisions: [...decisions] };
      },
    );
    app.get(
      '/api/decisions',
      {
        schema: {
          summary: 'What the gate decided, with the inequality, newest first',
          querystring: listQuerySchema,
          response: { 200: z.object({ decisions: z.array(decisionSchema) }) },
        },
      },
      async ({ query }) => ({ decisions: [...(await evaluations.list(query))] }),
    );
  };

/** Reads of pipelines, model versions, deployments and snapshots. */
export const modelRoutes =
  ({ definitions, registry, deployments, snapshots }: ControlDeps): FastifyPluginAsyncZod =>
  async (app) => {
    app.get(
      '/api/pipelines',
      { schema: { summary: 'Pipelines', response: { 200: z.object({ pipelines: z.array(pipelineSchema) }) } } },
      async () => ({ pipelines: [...(await definitions.listPipelines())] }),
    );
    app.get(
      '/api/models/:pipeline',
      {
        schema: {
          summary: 'Versions of a pipeline and its promotions',
          params: pipelineParamsSchema,
          response: { 200: modelsSchema },
        },
      },
      async ({ params: { pipeline } }) => {
        const [versions, promotions] = await Promise.all([registry.list(pipeline), registry.promotions(pipeline)]);
        if (versions.length === 0) throw notFound(`models of "${pipeline}"`, '/api/pipelines');
        const champion = versions.find(({ stage }) => stage === 'champion')?.version ?? null;
        return { pipeline, champion, versions: [...versions], promotions: [...promotions] };
      },
    );
    app.get(
      '/api/models/:pipeline/:version',
      { schema: { summary: 'One version with its lineage', params: versionParamsSchema, response: { 200: modelVersionSchema } } },
      async ({ params: { pipeline, version } }) => {
        const found = await registry.get(pipeline, version);
        if (found === null) throw notFound(`version ${version} of "${pipeline}"`, `/api/models/${pipeline}`);
        return found;
      },
    );
    app.get(
      '/api/deployments',
      {
        schema: { summary: 'What should be served, and what servers say that they serve', response: { 200: deploymentsSchema } },
      },
      async () => {
        const wanted = await deployments.list();
        const reports = await Promise.all(wanted.map(({ pipeline }) => deployments.serverReports(pipeline, reportMaxAgeMs)));
        return { deployments: wanted.map((deployment, index) => ({ ...deployment, servers: [...(reports[index] ?? [])] })) };
      },
    );
    app.get(
      '/api/snapshots/:pipeline',
      {
        schema: {
          summary: 'Snapshots of a pipeline, newest first',
          params: pipelineParamsSchema,
          response: { 200: z.object({ snapshots: z.array(snapshotSchema) }) },
        },
      },
      async ({ params: { pipeline } }) => ({ snapshots: [...(await snapshots.list(pipeline))] }),
    );
  };
