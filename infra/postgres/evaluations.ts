import { type Kysely, sql } from 'kysely';
import type { VerdictOutcome } from '#domain/contracts/verdict.ts';
import type { Instant, PipelineName, RunKey, Sha256 } from '#domain/units.ts';
import { toInstant } from './map.ts';
import type { Tables } from './tables.ts';

/** What the gate decided about a candidate, and what became of it. */
export type DecisionRecord = {
  readonly sha256: Sha256;
  readonly pipeline: PipelineName;
  readonly runKey: RunKey;
  readonly workflowId: string;
  readonly verdict: VerdictOutcome;
  /** One sentence that contains the inequality with its numbers. */
  readonly reason: string;
  readonly decision: unknown;
  readonly createdAt: Instant;
};

const list = async (
  db: Kysely<Tables>,
  { pipeline, limit }: { readonly pipeline?: PipelineName | undefined; readonly limit: number },
): Promise<readonly DecisionRecord[]> => {
  let query = db
    .selectFrom('evaluations as e')
    .innerJoin('runs as r', 'r.run_key', 'e.run_key')
    .select(['e.sha256', 'e.pipeline', 'e.run_key', 'r.workflow_id', 'e.verdict', 'e.reason', 'e.decision', 'e.created_at'])
    .orderBy(sql`e.created_at desc, e.sha256`)
    .limit(limit);
  if (pipeline !== undefined) query = query.where('e.pipeline', '=', pipeline);
  return (await query.execute()).map((row) => ({
    sha256: row.sha256 as Sha256,
    pipeline: row.pipeline as PipelineName,
    runKey: row.run_key as RunKey,
    workflowId: row.workflow_id,
    verdict: row.verdict,
    reason: row.reason,
    decision: row.decision,
    createdAt: toInstant(row.created_at),
  }));
};

/** Decisions over all runs; those of one run are the registry's. */
export const createEvaluations = (db: Kysely<Tables>) => ({
  /** Newest first. */
  list: (filter: { readonly pipeline?: PipelineName | undefined; readonly limit: number }) => list(db, filter),
});
