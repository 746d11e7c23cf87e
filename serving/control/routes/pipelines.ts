import type { FastifyInstance } from 'fastify';
import { pipelineNameSchema } from '#domain/contracts/ids.ts';
import { PerennialError } from '#domain/errors.ts';
import type { Instant, PipelineName } from '#domain/units.ts';
import { renderReport } from '../../../infra/report/page.ts';
import type { ControlDeps } from '../deps.ts';
import { sendPage } from '../send-page.ts';

const requireName = async ({ definitions }: Pick<ControlDeps, 'definitions'>, asked: string): Promise<PipelineName> => {
  const name = pipelineNameSchema.safeParse(asked).data;
  const known = (await definitions.listPipelines()).some((one) => one.name === name);
  if (name !== undefined && known) return name;
  throw new PerennialError('PRN_NOT_FOUND', `Cannot find pipeline "${asked.slice(0, 64)}": see GET /api/pipelines`);
};

/** GET /pipelines/NAME: the drift report of now, where notices point to. */
export const pipelineRoutes =
  (deps: Pick<ControlDeps, 'definitions' | 'readReport'>) =>
  async (app: FastifyInstance): Promise<void> => {
    app.get<{ Params: { pipeline: string } }>('/pipelines/:pipeline', async ({ params }, reply) => {
      const pipeline = await requireName(deps, params.pipeline);
      const madeAt = new Date().toISOString() as Instant;
      const pipelines = [await deps.readReport(pipeline)];
      return sendPage(reply, renderReport({ title: `Perennial: ${pipeline}`, madeAt, pipelines }));
    });
  };
