/** Models that are served and watched, as PostgreSQL and the store know them, and the traffic that servers would tell. */
import { type Kysely, sql } from 'kysely';
import { createRandom } from '#domain/stats/random.ts';
import type { PipelineName, Sha256, VersionNumber } from '#domain/units.ts';
import { digestOfJson } from '../../../infra/objects/digest.ts';
import type { ContentStore } from '../../../infra/objects/store.ts';
import { createDefinitions } from '../../../infra/postgres/definitions.ts';
import { createDeployments } from '../../../infra/postgres/deployments.ts';
import type { Db } from '../../../infra/postgres/pool.ts';
import { createRegistry } from '../../../infra/postgres/registry.ts';
import type { Tables } from '../../../infra/postgres/tables.ts';
import { referenceOf } from '../../support/loop/measure.ts';
import { calm, countDay, drawDay, profileOf, trainedDays, trainedFrom } from '../../support/loop/world.ts';

const dayMs = 86_400_000;
const rowsPerDay = 500;

export type WatchedModels = {
  readonly names: readonly PipelineName[];
  readonly profileSha256: Sha256;
  /** One window's counters, the same for all: what is measured costs the same whatever they are. */
  readonly tally: object;
};

const file = (name: string, everyMs: number, windowMs: number) => ({
  name,
  data: {
    source: 'rows.csv',
    label: 'late',
    event_time: 'at',
    columns: { late: { type: 'boolean' }, at: { type: 'timestamp' } },
  },
  watch: { every: `${everyMs}ms`, window: `${windowMs}ms` },
});

const modelPackage = (pipeline: PipelineName, sha256: Sha256) => ({
  format: 1,
  pipeline,
  task: 'binary',
  classes: ['false', 'true'],
  positiveClass: 'true',
  threshold: 0.5,
  onnx: {
    sha256,
    bytes: 1,
    inputs: [{ name: 'features', type: 'float32', shape: ['n', 2] }],
    output: { name: 'probability', type: 'float32', shape: ['n', 1] },
  },
  featureSetSha256: sha256,
  golden: [],
});

/** A profile of `features` features beside four, whose windows are as long as the bench needs them. */
const makeProfile = (features: number, windowMs: number) => {
  const random = createRandom(11);
  const rows = Array.from({ length: trainedDays }, (_, day) =>
    drawDay(random, trainedFrom + day * dayMs, rowsPerDay, calm, features),
  ).flat();
  const { profile: drawn } = profileOf(rows, features);
  const season = { slot: 'none' as const, slots: 1, windowMs, windowsBySlot: [trainedDays] };
  const plain = <Variable extends { bySlot: unknown }>(one: Variable) => ({ ...one, bySlot: [] });
  const profile = {
    ...drawn,
    season,
    features: drawn.features.map(plain),
    scores: drawn.scores.map(plain),
    predictions: drawn.predictions === null ? null : plain(drawn.predictions),
    performance: referenceOf(rows),
  };
  const window = countDay(
    { profile, sha256: digestOfJson(profile) },
    trainedFrom,
    drawDay(random, trainedFrom, rowsPerDay, calm, features),
  );
  return { profile, window };
};

const serve = async (
  db: Db,
  content: ContentStore,
  pipeline: PipelineName,
  applied: object,
  profileSha256: Sha256,
): Promise<void> => {
  const definitionSha256 = digestOfJson(applied);
  await createDefinitions(db).apply(pipeline, null, applied, definitionSha256, 'c0ffee', 'bench');
  const own = digestOfJson({ pipeline });
  const modelSha256 = await content.putJson(modelPackage(pipeline, own));
  const version = {
    pipeline,
    modelSha256,
    onnxSha256: own,
    featureSetSha256: own,
    trainingKey: own,
    definitionSha256,
    codeVersion: 'c0ffee',
    snapshotSha256: null,
    profileSha256,
    trainer: 'reference',
    parameters: {},
    metrics: {},
    runKey: null,
  };
  await createRegistry(db).register(version, 'bench');
  const promotion = {
    version: 1 as VersionNumber,
    expectedGeneration: 0,
    operationKey: `first/${pipeline}`,
    actor: 'bench',
    reason: 'a bench',
  };
  await createDeployments(db).promote({ pipeline, kind: 'promote', ...promotion });
};

export const makeWatchedModels = async (
  db: Db,
  content: ContentStore,
  shape: { models: number; features: number; everyMs: number; windowMs: number },
): Promise<WatchedModels> => {
  const { profile, window } = makeProfile(shape.features - 4, shape.windowMs);
  const profileSha256 = await content.putJson(profile);
  const names = Array.from({ length: shape.models }, (_, at) => `model-${String(at).padStart(4, '0')}` as PipelineName);
  for (const name of names) await serve(db, content, name, file(name, shape.everyMs, shape.windowMs), profileSha256);
  const { profileSha256: _of, from: _from, to: _to, ...tally } = window;
  return { names, profileSha256, tally };
};

/**
 * What the servers of all models tell in one flush: the counters of the window in which each model's events are now. Each
 * model lags a little more than the one before it, so that their windows close one after the other, as zones and hours do.
 */
export const tellTraffic = async (
  db: Kysely<Tables>,
  models: WatchedModels,
  windowMs: number,
  sequence: number,
): Promise<void> => {
  const many = models.names.length;
  const text = JSON.stringify(models.tally);
  await sql`
    with model as (
      select name, (extract(epoch from clock_timestamp()) * 1000)::bigint - (row_number() over (order by name) * ${windowMs}::bigint / ${many}) as event_ms
      from unnest(${[...models.names]}::text[]) as name
    ), win as (
      select name, event_ms, to_timestamp((event_ms / ${windowMs}::bigint) * ${windowMs}::bigint / 1000.0) as starts from model
    ), arms as (
      insert into perennial.arm_tallies (server_id, epoch, pipeline, generation, arm, model_sha256, sequence, tally)
      select 'bench', 'one', name, 1, 'champion', 'bench', ${sequence},
        jsonb_build_object('lastEventAt', to_char(to_timestamp(event_ms / 1000.0) at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))
      from win
      on conflict (server_id, epoch, pipeline, generation, arm, model_sha256)
        do update set sequence = excluded.sequence, tally = excluded.tally, heard_at = clock_timestamp()
    )
    insert into perennial.window_tallies (server_id, epoch, arm, model_sha256, profile_sha256, window_from, window_to, pipeline, sequence, rows, tally)
    select 'bench', name, 'champion', 'bench', ${models.profileSha256}, starts, starts + make_interval(secs => ${windowMs} / 1000.0), name, ${sequence}, ${rowsPerDay},
      jsonb_set(jsonb_set(${text}::jsonb, '{from}', to_jsonb(to_char(starts at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))),
        '{to}', to_jsonb(to_char((starts + make_interval(secs => ${windowMs} / 1000.0)) at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')))
    from win
    on conflict (server_id, epoch, arm, model_sha256, profile_sha256, window_from, window_to)
      do update set sequence = excluded.sequence, heard_at = clock_timestamp()`.execute(db);
};
