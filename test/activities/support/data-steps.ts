/** The data steps on a database, a store and folders of one's own: what their tests and benches share. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Batch, DatasetManifest, ValidationReport } from '#domain/contracts/dataset.ts';
import type { PipelineFile } from '#domain/contracts/pipeline-spec/pipeline-spec.ts';
import { pipelineSpecSchema } from '#domain/contracts/pipeline-spec/pipeline-spec.ts';
import type { Instant, RunKey, Sha256 } from '#domain/units.ts';
import { createFreeze } from '../../../activities/freeze.ts';
import { createIngest } from '../../../activities/ingest.ts';
import { createValidate } from '../../../activities/validate.ts';
import { digestOfJson } from '../../../infra/objects/digest.ts';
import type { ContentStore, ObjectStore } from '../../../infra/objects/store.ts';
import { createDefinitions } from '../../../infra/postgres/definitions.ts';
import { openDatabase } from '../../../infra/postgres/pool.ts';
import { createSnapshots } from '../../../infra/postgres/snapshots.ts';
import { createStepLedger } from '../../../infra/postgres/step-ledger.ts';
import { listSources } from '../../../infra/sources/list.ts';
import { createOpenSource } from '../../../infra/sources/open.ts';
import { withDuckDb } from '../../../infra/tabular/duckdb.ts';
import { parquetOf } from '../../../infra/tabular/sql.ts';
import { openScratch } from '../../../workers/scratch.ts';
import type { IngestInput } from '../../../workflows/steps.ts';

const s3 = { endpoint: null, region: 'us-east-1' };

export type DataPlace = {
  readonly databaseUrl: string;
  readonly folder: string;
  readonly objects: ObjectStore;
  readonly content: ContentStore;
};

export const openDataSteps = (place: DataPlace, limits = { memoryMiB: 512, threads: 2 }) => {
  const { db, close } = openDatabase(place.databaseUrl);
  const definitions = createDefinitions(db);
  const cacheFolder = join(place.folder, 'cache');
  const deps = {
    ledger: createStepLedger(db),
    definitions,
    snapshots: createSnapshots(db),
    content: place.content,
    scratch: openScratch(join(place.folder, 'scratch')),
    openSource: createOpenSource({ cacheFolder, s3 }),
    limits,
  };
  const write = (name: string, bytes: string | Uint8Array): string => {
    const file = join(place.folder, 'sources', name);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, bytes);
    return file;
  };
  /** Applies a pipeline file and lists its sources, as `perennial run` does. */
  const prepare = async (file: PipelineFile, cutoff: string | null = null): Promise<IngestInput> => {
    const spec = pipelineSpecSchema.parse(file);
    const definitionSha256 = digestOfJson(spec);
    await definitions.apply(spec.name, place.folder, file, definitionSha256, 'sha256:test', 'tester');
    const listing = await listSources(spec.data, join(place.folder, 'sources'), { cacheFolder, s3, content: place.content });
    const listingSha256 = await place.content.putJson(listing);
    return {
      pipeline: spec.name,
      runKey: '0123456789abcdef' as RunKey,
      definitionSha256,
      listingSha256,
      cutoff: cutoff as Instant | null,
    };
  };
  const ingest = createIngest(deps);
  const validate = createValidate(deps);
  const freeze = createFreeze(deps);
  const json = async <T>(sha256: Sha256) => (await place.content.getJson(sha256)) as T;
  /** All three steps; what each of them left. */
  const snapshot = async (file: PipelineFile, cutoff: string | null = null) => {
    const input = await prepare(file, cutoff);
    const ingested = await ingest(input);
    const validated = await validate({ ...input, batchSha256: ingested.batchSha256 });
    const batch = await json<Batch>(ingested.batchSha256);
    const report = await json<ValidationReport>(validated.reportSha256);
    const frozen = await freeze({ ...input, batchSha256: ingested.batchSha256, reportSha256: validated.reportSha256 });
    const manifest = await json<DatasetManifest>(frozen.snapshotSha256);
    return { input, ingested, batch, validated, report, frozen, manifest };
  };
  /** Rows of stored Parquet objects, in the order of the digests. */
  const rows = async <Row>(digests: readonly Sha256[]): Promise<Row[]> => {
    const files = await Promise.all(digests.map((sha256) => place.content.localFile(sha256)));
    const folder = join(place.folder, 'reading');
    return withDuckDb({ folder, ...limits, allowedFolders: files.map((file) => dirname(file)) }, (duck) =>
      duck.rows<Row>(`SELECT * FROM ${parquetOf(files)}`),
    );
  };
  return {
    db,
    deps,
    folder: place.folder,
    cacheFolder,
    s3,
    objects: place.objects,
    write,
    prepare,
    ingest,
    validate,
    freeze,
    snapshot,
    json,
    rows,
    close,
  };
};
