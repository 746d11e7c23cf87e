import type { FastifyInstance } from 'fastify';
import { PerennialError } from '#domain/errors.ts';
import type { RunKey } from '#domain/units.ts';
import { renderRun } from '../../../infra/report/run-page.ts';
import type { ControlDeps } from '../deps.ts';
import { sendPage } from '../send-page.ts';

/** GET /runs/KEY: one run for people; /api/runs/KEY is the same for programs. */
export const runPageRoutes =
  ({ runs, links }: Pick<ControlDeps, 'runs' | 'links'>) =>
  async (app: FastifyInstance): Promise<void> => {
    app.get<{ Params: { runKey: string } }>('/runs/:runKey', async ({ params }, reply) => {
      const run = /^[0-9a-f]{16}$/.test(params.runKey) ? await runs.get(params.runKey as RunKey) : null;
      if (run === null)
        throw new PerennialError('PRN_NOT_FOUND', `Cannot find run "${params.runKey.slice(0, 64)}": see GET /api/runs`);
      const stages = await runs.stages(run.runKey);
      return sendPage(reply, renderRun({ run, stages, workflow: links.workflow?.(run.workflowId) ?? null }));
    });
  };
