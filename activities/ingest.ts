import { join } from 'node:path';
import {
  type Batch,
  batchSchema,
  type DatasetPart,
  type DatasetSchema,
  datasetManifestSchema,
  type SourceListing,
  type SourceObjectRef,
  sourceListingSchema,
} from '#domain/contracts/dataset.ts';
import type { PipelineSpec } from '#domain/contracts/pipeline-spec/pipeline-spec.ts';
import { PerennialError } from '#domain/errors.ts';
import type { PipelineName } from '#domain/units.ts';
import { digestOfJson } from '../infra/objects/digest.ts';
import { mapParallel } from '../infra/objects/parallel.ts';
import { parseStoredDefinition } from '../infra/schemas/stored-definition.ts';
import { type Duck, withDuckDb } from '../infra/tabular/duckdb.ts';
import { ingestTable, type TableResult } from '../infra/tabular/ingest-table.ts';
import { createRejectsTable, resolveLines, writeRejects } from '../infra/tabular/rejects.ts';
import { type ReadableObject, stageObject } from '../infra/tabular/stage.ts';
import type { CpuSteps, IngestInput, IngestSummary } from '../workflows/steps.ts';
import type { CpuDeps } from './deps.ts';
import { rememberStep } from './remember.ts';
import type { StepContext } from './step-context.ts';

/** Part of the ledger's key: raise it whenever the same source would give other bytes. */
const ingestVersion = 2;

export type IngestDeps = Pick<CpuDeps, 'ledger' | 'definitions' | 'snapshots' | 'content' | 'scratch' | 'limits' | 'openSource'>;
type Work = {
  readonly deps: IngestDeps;
  readonly spec: PipelineSpec;
  readonly listing: SourceListing;
  readonly input: IngestInput;
  readonly frozen: DatasetSchema | null;
  readonly context: StepContext | undefined;
  readonly folder: string;
};

/** Throws PRN_DEFINITION_UNKNOWN, PRN_SPEC_INVALID. */
export const readSpec = async (
  deps: Pick<CpuDeps, 'definitions'>,
  input: { definitionSha256: IngestInput['definitionSha256'] },
): Promise<PipelineSpec> => {
  const definition = await deps.definitions.find(input.definitionSha256);
  if (definition === null)
    throw new PerennialError(
      'PRN_DEFINITION_UNKNOWN',
      `Cannot find definition "${input.definitionSha256}": run \`perennial apply\` and start again`,
    );
  return parseStoredDefinition(definition.file, `go on with "${definition.pipeline}"`);
};

/** The schema of the newest snapshot: what was inferred once stays, until the file declares columns. */
const frozenSchema = async (deps: IngestDeps, pipeline: PipelineName, spec: PipelineSpec): Promise<DatasetSchema | null> => {
  if (spec.data.columns !== undefined) return null;
  const [newest] = await deps.snapshots.list(pipeline);
  return newest ? datasetManifestSchema.parse(await deps.content.getJson(newest.sha256)).schema : null;
};

const changed = (object: SourceObjectRef, what: string) =>
  new PerennialError(
    'PRN_SOURCE_CHANGED',
    `Cannot ingest "${object.key}" as it changed since it was listed: ${what}; start a new run`,
    {
      details: { source: object.source, key: object.key },
    },
  );

const openListed = async (work: Work, object: SourceObjectRef): Promise<string> => {
  const address = work.listing.sources[object.source]?.path ?? '';
  work.context?.heartbeat({ source: object.source, object: object.key, does: 'reading' });
  const opened = await work.deps.openSource(address, object.key, work.folder);
  if (opened.bytes !== object.bytes) throw changed(object, `it has ${opened.bytes} bytes, and had ${object.bytes}`);
  if (opened.etag !== object.etag) throw changed(object, `its content is "${opened.etag}", and was "${object.etag}"`);
  return opened.file;
};

/** A file that is in the store under the listed digest is the listed file, whatever stands at its path by now. */
const ingestFile = async (work: Work, object: SourceObjectRef): Promise<DatasetPart & { isNew: boolean }> => {
  const part = { source: object.source, kind: 'file', partition: object.key, bytes: object.bytes, rows: 1 } as const;
  const listed = /^sha256:([0-9a-f]{64})$/.exec(object.etag)?.[1] as DatasetPart['sha256'] | undefined;
  if (listed && (await work.deps.content.has(listed))) return { ...part, sha256: listed, isNew: false };
  const file = await openListed(work, object);
  const { sha256, isNew } = await work.deps.content.putFile(file);
  if (listed && sha256 !== listed) throw changed(object, 'its content is another');
  return { ...part, sha256, isNew };
};

const filesSchema = (spec: PipelineSpec): DatasetSchema => ({
  columns: [],
  eventTime: null,
  key: [],
  label: spec.data.label.name,
  labelKnownAfterMs: spec.data.label.known_after,
});

const ingestFiles = async (work: Work, objects: readonly SourceObjectRef[]): Promise<TableResult> => {
  const parts = await mapParallel(objects, 8, (object) => ingestFile(work, object));
  return { schema: filesSchema(work.spec), parts, rows: parts.length, eventTime: null };
};

const stageSource = async (
  work: Work,
  db: Duck,
  source: string,
  objects: readonly SourceObjectRef[],
): Promise<ReadableObject[]> => {
  const type = work.listing.sources[source]?.type as 'parquet' | 'csv' | 'ndjson';
  const staged: ReadableObject[] = [];
  for (const [index, object] of objects.entries()) {
    const file = await openListed(work, object);
    const ready = await stageObject(
      { db, folder: work.folder, index: `${source}-${index}`, source, key: object.key },
      type,
      file,
    );
    if (ready) staged.push(ready);
  }
  return staged;
};

/** Local files are read more than once; that they stayed the same meanwhile is looked at last. */
const assertUnchanged = async (work: Work, objects: readonly SourceObjectRef[]): Promise<void> => {
  for (const object of objects) {
    const address = work.listing.sources[object.source]?.path ?? '';
    if (!address.startsWith('s3://')) await openListed(work, object);
  }
};

/** One file is named; of several only the place and their number say enough. */
const nameOfSource = (work: Work, source: string): string => {
  const keys = work.listing.objects.filter((object) => object.source === source).map(({ key }) => key);
  const path = work.listing.sources[source]?.path;
  return keys.length === 1 ? `"${keys[0]}" of "${path}"` : `the ${keys.length} files of "${path}"`;
};

const empty = (work: Work, source: string, where = '') =>
  new PerennialError(
    'PRN_DATA_EMPTY',
    `Cannot ingest ${nameOfSource(work, source)} as a source must hold at least one row${where}: there are none`,
  );

const ingestRows = async (work: Work, db: Duck, source: string, objects: readonly SourceObjectRef[]): Promise<TableResult> => {
  const staged = await stageSource(work, db, source, objects);
  const { count } = await db.row<{ count: number }>('SELECT count(*)::INTEGER AS count FROM rejects');
  if (staged.length === 0 && count === 0) throw empty(work, source);
  if (staged.length === 0)
    throw new PerennialError(
      'PRN_SOURCE_UNREADABLE',
      `Cannot ingest "${objects[0]?.key}" as none of its ${count} lines can be read`,
    );
  const lanes = [db];
  while (lanes.length < work.deps.limits.threads) lanes.push(await db.another());
  const result = await ingestTable({
    lanes,
    folder: work.folder,
    source,
    objects: staged,
    data: source === 'main' ? work.spec.data : null,
    frozen: work.frozen,
    cutoff: work.input.cutoff,
    memoryMiB: work.deps.limits.memoryMiB,
    put: (file) => work.deps.content.putFile(file),
    onPart: (partition) => work.context?.heartbeat({ source, part: partition, does: 'writing' }),
  });
  await resolveLines(db, staged);
  await assertUnchanged(work, objects);
  return result;
};

type Ingested = { readonly tables: ReadonlyMap<string, TableResult>; readonly rejected: Batch['rejected'] };

const keepRejects = async (work: Work, db: Duck): Promise<Batch['rejected']> => {
  const file = join(work.folder, 'rejected.parquet');
  const reasons = await writeRejects(db, file);
  if (reasons === null) return { rows: 0, sha256: null, reasons: [] };
  const { sha256 } = await work.deps.content.putFile(file);
  return { rows: reasons.reduce((sum, reason) => sum + reason.rows, 0), sha256, reasons };
};

const ingestAll = async (work: Work): Promise<Ingested> => {
  const tables = new Map<string, TableResult>();
  const local = Object.values(work.listing.sources).filter((source) => !source.path.startsWith('s3://'));
  const options = {
    folder: work.folder,
    ...work.deps.limits,
    allowedFolders: local.map((source) => source.path),
    signal: work.context?.signal,
  };
  return withDuckDb(options, async (db) => {
    await db.run(createRejectsTable);
    for (const [source, { type }] of Object.entries(work.listing.sources)) {
      const objects = work.listing.objects.filter((object) => object.source === source);
      tables.set(source, type === 'files' ? await ingestFiles(work, objects) : await ingestRows(work, db, source, objects));
    }
    return { tables, rejected: await keepRejects(work, db) };
  });
};

const plainPart = ({ source, kind, partition, sha256, bytes, rows }: DatasetPart): DatasetPart => ({
  source,
  kind,
  partition,
  sha256,
  bytes,
  rows,
});

/** Parts are noted before the batch is: a batch names only what has arrived. */
const keepBatch = async (work: Work, { tables, rejected }: Ingested): Promise<IngestSummary> => {
  const main = tables.get('main') as TableResult;
  if (main.rows + rejected.rows === 0)
    throw empty(work, 'main', work.input.cutoff === null ? '' : ` before "${work.input.cutoff}"`);
  const written = [...tables.values()].flatMap((table) => table.parts);
  const newParts = await work.deps.snapshots.recordParts(written.map(({ sha256, bytes, rows }) => ({ sha256, bytes, rows })));
  const batch: Batch = {
    format: 1,
    pipeline: work.input.pipeline,
    listingSha256: work.input.listingSha256,
    cutoff: work.input.cutoff,
    schema: main.schema,
    parts: written.map(plainPart),
    rows: main.rows,
    rejected,
    eventTime: main.eventTime,
  };
  const batchSha256 = await work.deps.content.putJson(batchSchema.parse(batch));
  return { batchSha256, rows: main.rows, rejectedRows: rejected.rows, parts: written.length, newParts };
};

/**
 * Source objects to typed, sorted Parquet parts in the store; rows that cannot be kept are set aside with their reasons.
 * Idempotency key: listing, data part of the definition, frozen schema, cut-off, version of this step.
 */
export const createIngest =
  (deps: IngestDeps) =>
  async (input: IngestInput, context?: StepContext): ReturnType<CpuSteps['ingestSources']> => {
    const spec = await readSpec(deps, input);
    const frozen = await frozenSchema(deps, input.pipeline, spec);
    const { checks: _, freshness: __, rows: ___, ...data } = spec.data;
    const identity = {
      step: 'ingest',
      version: ingestVersion,
      pipeline: input.pipeline,
      listing: input.listingSha256,
      data,
      frozen,
      cutoff: input.cutoff,
    };
    return rememberStep(
      deps,
      'ingestSources',
      digestOfJson(identity),
      (summary: IngestSummary) => summary.batchSha256,
      async () => {
        const listing = sourceListingSchema.parse(await deps.content.getJson(input.listingSha256));
        return deps.scratch.withFolder('ingest', async (folder) => {
          const work = { deps, spec, listing, input, frozen, context, folder };
          return keepBatch(work, await ingestAll(work));
        });
      },
    );
  };
