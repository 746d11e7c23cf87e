/** Where every pipeline stands, as one value each: what `perennial status` and the metrics are made of. */
import type { Kysely } from 'kysely';
import type { RolloutRecord } from '#domain/contracts/rollout.ts';
import type { Instant, PipelineName, Sha256 } from '#domain/units.ts';
import { toInstant } from './map.ts';
import type { Tables } from './tables.ts';
import { createWatchLooks, type WatchLook } from './watch-looks.ts';
import {
  type ChampionAge,
  createWatchViews,
  type Gaps,
  type NewestDecision,
  type NewestLabel,
  type NewestReport,
  type Quarantine,
  type Waiting,
} from './watch-views.ts';

export type Pause = { readonly at: Instant; readonly by: string | null; readonly reason: string | null };
export type Standing = {
  readonly pipeline: PipelineName;
  readonly definition: Sha256 | null;
  /** Its rows stay, nobody watches it. */
  readonly deleted: boolean;
  readonly paused: Pause | null;
  readonly champion: ChampionAge | null;
  /** The one that runs. */
  readonly rollout: RolloutRecord | null;
  /** null where its watch never looked. */
  readonly look: WatchLook | null;
  readonly dataTime: Instant | null;
  readonly label: NewestLabel | null;
  /** The newest of each kind, by the end of its window. */
  readonly reports: readonly NewestReport[];
  /** The newest of each kind. */
  readonly decisions: readonly NewestDecision[];
  readonly quarantine: Quarantine | null;
  readonly waiting: { readonly webhooks: Waiting | null; readonly notices: Waiting | null };
  /** Predictions that a killed server logged and did not count. */
  readonly gaps: Gaps | null;
};

const readPipelines = async (db: Kysely<Tables>) => {
  const rows = await db.selectFrom('pipelines').selectAll().orderBy('name').execute();
  return rows.map((row) => ({
    pipeline: row.name as PipelineName,
    definition: row.definition_sha256 as Sha256 | null,
    deleted: row.deleted_at !== null,
    paused: row.paused_at === null ? null : { at: toInstant(row.paused_at), by: row.paused_by, reason: row.paused_reason },
  }));
};

const readViews = async (db: Kysely<Tables>) => {
  const views = createWatchViews(db);
  const [champions, rollouts, looks, dataTimes, labels, reports, decisions, quarantines, webhooks, notices, gaps] =
    await Promise.all([
      views.championAges(),
      views.runningRollouts(),
      createWatchLooks(db).newest(),
      views.dataTimes(),
      views.newestLabels(),
      views.newestReports(),
      views.newestDecisions(),
      views.quarantines(),
      views.waitingWebhooks(),
      views.waitingNotices(),
      views.gaps(),
    ]);
  return { champions, rollouts, looks, dataTimes, labels, reports, decisions, quarantines, webhooks, notices, gaps };
};

/** All pipelines by name, deleted ones too. A dozen statements, whatever their number. */
export const readStandings = async (db: Kysely<Tables>): Promise<readonly Standing[]> => {
  const [pipelines, views] = await Promise.all([readPipelines(db), readViews(db)]);
  return pipelines.map((one): Standing => {
    const of = <T>(values: ReadonlyMap<PipelineName, T>): T | null => values.get(one.pipeline) ?? null;
    return {
      ...one,
      champion: of(views.champions),
      rollout: of(views.rollouts),
      look: of(views.looks),
      dataTime: of(views.dataTimes),
      label: of(views.labels),
      reports: of(views.reports) ?? [],
      decisions: of(views.decisions) ?? [],
      quarantine: of(views.quarantines),
      waiting: { webhooks: of(views.webhooks), notices: of(views.notices) },
      gaps: of(views.gaps),
    };
  });
};
