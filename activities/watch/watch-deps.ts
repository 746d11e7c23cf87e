/** What the steps of a watch need of the world besides what all steps share. */
import type { RunKey } from '#domain/units.ts';
import type { Labels } from '../../infra/postgres/labels.ts';
import type { PredictionParts } from '../../infra/postgres/prediction-parts.ts';
import type { Quarantine } from '../../infra/postgres/quarantine.ts';
import type { RunRecord } from '../../infra/postgres/runs.ts';
import type { Tallies } from '../../infra/postgres/tally-totals.ts';
import type { WatchEvidence } from '../../infra/postgres/watch-evidence.ts';
import type { WatchLooks } from '../../infra/postgres/watch-looks.ts';
import type { WatchReports } from '../../infra/postgres/watch-reports.ts';
import type { RequestOptions } from '../../infra/runs/build-request.ts';
import type { WatchTemporal } from '../../infra/temporal/request-retrain.ts';

export type WatchDeps = {
  readonly evidence: WatchEvidence;
  readonly looks: Pick<WatchLooks, 'looked'>;
  readonly reports: WatchReports;
  readonly quarantine: Quarantine;
  readonly tallies: Pick<Tallies, 'windows'>;
  readonly predictionParts: Pick<PredictionParts, 'select' | 'answeredSince'>;
  readonly labels: Pick<Labels, 'read' | 'hasAny'>;
  readonly findRun: (runKey: RunKey) => Promise<RunRecord | null>;
  readonly sources: Omit<RequestOptions, 'content'>;
  readonly temporal: WatchTemporal;
};
