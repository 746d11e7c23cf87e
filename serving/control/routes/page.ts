import { createHash } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { type ControlDeps, reportMaxAgeMs } from '../deps.ts';
import { Html, html } from '../html.ts';
import { style } from '../style.ts';
import { bodyOf, type PageView, type PipelineView, type RunView } from '../view.ts';

/** Nothing but this one style may be loaded or run, whatever a name in the database says. */
const policy = [
  "default-src 'none'",
  `style-src 'sha256-${createHash('sha256').update(style).digest('base64')}'`,
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

const recent = 25;
/** Quick enough to watch a run, rare enough not to disturb who reads. */
const refreshSeconds = 15;

/** GET /: one page for people, made from the database at each request. */
export const pageRoutes =
  (deps: ControlDeps) =>
  async (app: FastifyInstance): Promise<void> => {
    app.get('/', async (_request, reply) => {
      const body = bodyOf(await readPage(deps));
      const page = html`<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Perennial</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><meta http-equiv="refresh" content="${refreshSeconds}">
<style>${new Html(style)}</style></head><body>${body}</body></html>`;
      return reply
        .headers({ 'content-security-policy': policy, 'x-content-type-options': 'nosniff', 'referrer-policy': 'no-referrer' })
        .type('text/html; charset=utf-8')
        .send(page.text);
    });
  };

const readPage = async (deps: ControlDeps): Promise<PageView> => {
  const [pipelines, runs, decisions] = await Promise.all([
    readPipelines(deps),
    readRuns(deps),
    deps.evaluations.list({ limit: recent }),
  ]);
  return { pipelines, runs, decisions, links: deps.links };
};

const readRuns = async ({ runs }: ControlDeps): Promise<RunView[]> => {
  const listed = await runs.list({ limit: recent });
  return Promise.all(
    listed.map(async (run) => {
      const latest = run.outcome === null ? (await runs.stages(run.runKey)).at(-1) : undefined;
      return { ...run, stage: latest === undefined ? null : `${latest.stage}: ${latest.summary}` };
    }),
  );
};

const fileSchema = z.object({ gate: z.object({ metric: z.string() }) });
/** null where the file leaves it to the task: then it is the first in the order of metrics. */
const gateMetricOf = (file: unknown): string | null => fileSchema.safeParse(file).data?.gate.metric ?? null;

const readPipelines = async ({ definitions, registry, deployments, readStandings }: ControlDeps): Promise<PipelineView[]> => {
  const [pipelines, wanted, standings] = await Promise.all([definitions.listPipelines(), deployments.list(), readStandings()]);
  return Promise.all(
    pipelines.map(async ({ name }) => {
      const deployment = wanted.find(({ pipeline }) => pipeline === name) ?? null;
      const version = deployment?.champion?.version;
      const [champion, servers, definition] = await Promise.all([
        version === undefined ? null : registry.get(name, version),
        deployments.serverReports(name, reportMaxAgeMs),
        definitions.current(name),
      ]);
      const standing = standings.find(({ pipeline }) => pipeline === name) ?? null;
      return { name, champion, deployment, servers, standing, gateMetric: gateMetricOf(definition?.file) };
    }),
  );
};
