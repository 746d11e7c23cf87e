import type { FastifyInstance } from 'fastify';
import { PerennialError } from '#domain/errors.ts';
import { renderDecision } from '../../../infra/report/decision-page.ts';
import type { ControlDeps } from '../deps.ts';
import { sendPage } from '../send-page.ts';

/** GET /decisions/NUMBER: one decision, with its inequalities and all that it was made from. */
export const decisionRoutes =
  ({ readDecision }: Pick<ControlDeps, 'readDecision'>) =>
  async (app: FastifyInstance): Promise<void> => {
    app.get<{ Params: { id: string } }>('/decisions/:id', async ({ params }, reply) => {
      const found = /^\d{1,15}$/.test(params.id) ? await readDecision(Number(params.id)) : null;
      if (found === null)
        throw new PerennialError(
          'PRN_NOT_FOUND',
          `Cannot find decision "${params.id.slice(0, 64)}": see the page of its pipeline`,
        );
      return sendPage(reply, renderDecision(found));
    });
  };
