import { join } from 'node:path';
import {
  type Batch,
  batchSchema,
  type DatasetManifest,
  type DatasetPart,
  datasetManifestSchema,
  type ValidationReport,
  validationReportSchema,
} from '#domain/contracts/dataset.ts';
import { PerennialError } from '#domain/errors.ts';
import type { Instant, Sha256 } from '#domain/units.ts';
import { digestOfJson } from '../infra/objects/digest.ts';
import { withDuckDb } from '../infra/tabular/duckdb.ts';
import { type LocalPart, readQuarantine, withoutQuarantined } from '../infra/tabular/quarantine.ts';
import { parquetOf, quoteName } from '../infra/tabular/sql.ts';
import { instantSql } from '../infra/tabular/write-parts.ts';
import type { RunRef } from '../workflows/run-ref.ts';
import type { CpuSteps, FreezeSummary } from '../workflows/steps.ts';
import type { CpuDeps } from './deps.ts';
import { rememberStep } from './remember.ts';
import type { StepContext } from './step-context.ts';
import { foldersOf, localParts } from './validate.ts';

export type FreezeDeps = Pick<CpuDeps, 'ledger' | 'snapshots' | 'content' | 'scratch' | 'limits'>;
type FreezeInput = RunRef & { readonly batchSha256: Sha256; readonly reportSha256: Sha256; readonly cutoff: Instant | null };
type Work = {
  readonly deps: FreezeDeps;
  readonly batch: Batch;
  readonly report: ValidationReport;
  readonly context: StepContext | undefined;
  readonly folder: string;
};
type Kept = { readonly parts: readonly DatasetPart[]; readonly eventTime: DatasetManifest['eventTime'] };

/** Leaves a part out where nothing of it remains. */
const rewrite = async (
  work: Work,
  local: LocalPart,
  aside: number,
  write: (to: string) => Promise<void>,
): Promise<DatasetPart | null> => {
  if (aside >= local.part.rows) return null;
  const file = join(work.folder, `${local.part.sha256}.parquet`);
  await write(file);
  const { sha256, bytes } = await work.deps.content.putFile(file);
  work.context?.heartbeat({ does: 'rewriting', part: local.part.partition });
  return { ...local.part, sha256, bytes, rows: local.part.rows - aside };
};

/** The parts of a batch less its quarantined rows; only parts that hold such rows are written again. */
const partsToKeep = async (work: Work): Promise<Kept> => {
  const { batch, report, deps } = work;
  if (report.quarantined.sha256 === null) return { parts: batch.parts, eventTime: batch.eventTime };
  const quarantine = await deps.content.localFile(report.quarantined.sha256);
  const locals = await localParts(deps.content, batch.parts);
  const allowedFolders = [...foldersOf(locals), ...foldersOf([{ part: batch.parts[0] as DatasetPart, file: quarantine }])];
  return withDuckDb({ folder: work.folder, ...deps.limits, allowedFolders, signal: work.context?.signal }, async (db) => {
    const aside = await readQuarantine(db, quarantine);
    const kept = new Map<Sha256, DatasetPart | null>();
    for (const local of locals) {
      const rows = aside.get(local.part.sha256) ?? 0;
      if (rows > 0)
        kept.set(local.part.sha256, await rewrite(work, local, rows, (to) => withoutQuarantined(db, local, quarantine, to)));
    }
    const parts = batch.parts.flatMap((part) => (kept.has(part.sha256) ? (kept.get(part.sha256) ?? []) : [part]));
    const event = batch.schema.eventTime === null ? null : quoteName(batch.schema.eventTime);
    if (event === null || parts.length === 0) return { parts, eventTime: null };
    // The files of untouched parts are the store's; those written again still lie in the scratch folder.
    const files = locals.flatMap((local) =>
      kept.has(local.part.sha256)
        ? kept.get(local.part.sha256)
          ? [join(work.folder, `${local.part.sha256}.parquet`)]
          : []
        : [local.file],
    );
    const times = await db.row<{ first: Instant; last: Instant }>(
      `SELECT ${instantSql(`min(${event})`)} AS first, ${instantSql(`max(${event})`)} AS last FROM ${parquetOf(files)}`,
    );
    return { parts, eventTime: times };
  });
};

const sorted = (parts: readonly DatasetPart[]): DatasetPart[] =>
  [...parts].sort((a, b) => {
    const [left, right] = [`${a.source}\n${a.partition}\n${a.sha256}`, `${b.source}\n${b.partition}\n${b.sha256}`];
    return left < right ? -1 : left > right ? 1 : 0;
  });

const sum = (parts: readonly DatasetPart[], field: 'bytes' | 'rows'): number =>
  parts.reduce((total, part) => total + part[field], 0);

const manifestOf = ({ batch, report }: Work, kept: Kept): DatasetManifest => ({
  format: 1,
  pipeline: batch.pipeline,
  schema: batch.schema,
  parts: sorted(kept.parts),
  rows: sum(
    kept.parts.filter((part) => part.source === 'main'),
    'rows',
  ),
  bytes: sum(kept.parts, 'bytes'),
  eventTime: kept.eventTime,
  cutoff: batch.cutoff,
  quarantined: report.quarantined,
  rejected: { rows: batch.rejected.rows, sha256: batch.rejected.sha256 },
});

const partsBefore = async (work: Work): Promise<ReadonlySet<Sha256>> => {
  const [newest] = await work.deps.snapshots.list(work.batch.pipeline);
  if (!newest) return new Set();
  return new Set(datasetManifestSchema.parse(await work.deps.content.getJson(newest.sha256)).parts.map((part) => part.sha256));
};

/** Bytes first, then arrivals, then the manifest, then its row: a row means that everything behind it is there. */
const keepSnapshot = async (work: Work): Promise<FreezeSummary> => {
  const manifest = datasetManifestSchema.parse(manifestOf(work, await partsToKeep(work)));
  if (manifest.rows === 0)
    throw new PerennialError(
      'PRN_DATA_EMPTY',
      `Cannot freeze a snapshot of "${manifest.pipeline}" as no row is left of ${work.batch.rows}: expected at least one`,
    );
  const before = await partsBefore(work);
  await work.deps.snapshots.recordParts(manifest.parts.map(({ sha256, bytes, rows }) => ({ sha256, bytes, rows })));
  const snapshotSha256 = await work.deps.content.putJson(manifest);
  await work.deps.snapshots.record({
    sha256: snapshotSha256,
    pipeline: manifest.pipeline,
    rows: manifest.rows,
    bytes: manifest.bytes,
    partCount: manifest.parts.length,
    firstEventAt: manifest.eventTime?.first ?? null,
    lastEventAt: manifest.eventTime?.last ?? null,
  });
  const sharedParts = manifest.parts.filter((part) => before.has(part.sha256)).length;
  return {
    snapshotSha256,
    rows: manifest.rows,
    bytes: manifest.bytes,
    sharedParts,
    newParts: manifest.parts.length - sharedParts,
  };
};

/**
 * Freezes a validated batch: the manifest's digest is the data version. Idempotency key: batch and report, and then the
 * digest itself: the same manifest again is the same row. `sharedParts` are those that the newest snapshot has too.
 */
export const createFreeze =
  (deps: FreezeDeps) =>
  async (input: FreezeInput, context?: StepContext): ReturnType<CpuSteps['freezeSnapshot']> => {
    const identity = { step: 'freeze', pipeline: input.pipeline, batch: input.batchSha256, report: input.reportSha256 };
    return rememberStep(
      deps,
      'freezeSnapshot',
      digestOfJson(identity),
      (summary: FreezeSummary) => summary.snapshotSha256,
      async () => {
        const batch = batchSchema.parse(await deps.content.getJson(input.batchSha256));
        const report = validationReportSchema.parse(await deps.content.getJson(input.reportSha256));
        return deps.scratch.withFolder('freeze', (folder) => keepSnapshot({ deps, batch, report, context, folder }));
      },
    );
  };
