import type { PipelineName } from '#domain/units.ts';
import type { RecordedDecision } from '../../infra/postgres/decisions.ts';
import type { createDefinitions } from '../../infra/postgres/definitions.ts';
import type { createDeployments } from '../../infra/postgres/deployments.ts';
import type { createEvaluations } from '../../infra/postgres/evaluations.ts';
import type { createRegistry } from '../../infra/postgres/registry.ts';
import type { createRuns } from '../../infra/postgres/runs.ts';
import type { createSnapshots } from '../../infra/postgres/snapshots.ts';
import type { Standing } from '../../infra/postgres/standings.ts';
import type { PipelineReport } from '../../infra/report/data.ts';
import type { BaseDeps } from '../plugins/base-app.ts';
import type { WebhookDeps } from './routes/webhooks.ts';

/** What the control plane reads, and where it puts webhooks: who means to change something uses the command or Temporal. */
export type ControlDeps = BaseDeps & {
  readonly definitions: Pick<ReturnType<typeof createDefinitions>, 'listPipelines' | 'current'>;
  /** Where every pipeline stands: its watch, rollout and quarantine. */
  readonly readStandings: () => Promise<readonly Standing[]>;
  readonly runs: Pick<ReturnType<typeof createRuns>, 'get' | 'list' | 'stages' | 'metrics'>;
  readonly registry: Pick<ReturnType<typeof createRegistry>, 'get' | 'list' | 'promotions' | 'evaluations'>;
  readonly deployments: Pick<ReturnType<typeof createDeployments>, 'list' | 'serverReports'>;
  readonly evaluations: ReturnType<typeof createEvaluations>;
  readonly snapshots: Pick<ReturnType<typeof createSnapshots>, 'list'>;
  /** A pipeline as it stands: windows, performance, rollouts, decisions. */
  readonly readReport: (pipeline: PipelineName) => Promise<PipelineReport>;
  /** One decision of a watch or a rollout; null where there is none of that number. */
  readonly readDecision: (id: number) => Promise<RecordedDecision | null>;
  /** Throws where the database does not answer. */
  readonly askDatabase: () => Promise<void>;
  readonly links: Links;
  readonly waysIn: Omit<WebhookDeps, 'metrics'>;
};

/** Where a reader goes from the page; null where it is not known. */
export type Links = { readonly predict: string | null; readonly workflow: ((workflowId: string) => string) | null };

/** Servers renew their reports every second; three missed ones are a hiccup, more is a server that is gone. */
export const reportMaxAgeMs = 15_000;
