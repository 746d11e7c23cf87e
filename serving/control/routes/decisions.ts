import type { FastifyInstance } from 'fastify';
import { PerennialError } from '#domain/errors.ts';
import type { RecordedDecision } from '../../../infra/postgres/decisions.ts';
import { renderDecision } from '../../../infra/report/decision-page.ts';
import { sendPage } from './pipelines.ts';

export type DecisionDeps = {
  /** One decision of a watch or a rollout; null where there is none of that number. */
  readonly readDecision: (id: number) => Promise<RecordedDecision | null>;
};

/** GET /decisions/NUMBER: one decision, with its inequalities and all that it was made from. */
export const decisionRoutes =
  ({ readDecision }: DecisionDeps) =>
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
