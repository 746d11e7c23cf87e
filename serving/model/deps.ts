import type { DeployedModel, ServerReport } from '#domain/contracts/model-version.ts';
import type { PipelineName } from '#domain/units.ts';
import type { FollowedDeployment } from '../../infra/postgres/deployments.ts';
import type { Logger } from '../../infra/telemetry/logger.ts';
import type { Metrics } from '../../infra/telemetry/metrics.ts';
import type { OnlineRow } from './online-copy.ts';
import type { ServedModel } from './served-model.ts';

/** What the loader asks of the database; all of it may fail at any time, and nothing here stops serving then. */
export type LoaderDeps = {
  readonly serverId: () => string;
  readonly deployments: {
    followed(): Promise<readonly FollowedDeployment[]>;
    report(report: ServerReport): Promise<void>;
    /** Takes this server's reports away when it stops, so that no promotion waits for it. */
    forgetServer(serverId: string): Promise<void>;
    /** Calls back when a deployment or publication may have changed; polling covers what it misses. */
    listen(onChange: () => void): { close(): Promise<void> };
  };
  readonly onlineFeatures: {
    publication(pipeline: PipelineName): Promise<{ readonly publication: string } | null>;
    load(pipeline: PipelineName): Promise<{ readonly publication: string | null; readonly rows: Iterable<OnlineRow> }>;
  };
  /** Fetches, verifies and opens a model; throws with the reason where it must not be served. */
  readonly load: (pipeline: PipelineName, model: DeployedModel) => Promise<ServedModel>;
  /** Before a generation is reported for the first time: what was counted under others should be told by then. */
  readonly beforeReport: (pipeline: PipelineName, generation: number) => Promise<void>;
  readonly metrics: Metrics;
  readonly log: Logger;
  readonly pollMs?: number;
};
