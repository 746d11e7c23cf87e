/** Which rows of the hold-out the champion did not learn from: on the others it only remembers. */
import { z } from 'zod';
import type { DatasetManifest } from '#domain/contracts/dataset.ts';
import type { ChampionRows } from '#domain/contracts/evaluation-report.ts';
import { type FeatureFrame, featureFrameSchema } from '#domain/contracts/feature-set.ts';
import { sha256Schema } from '#domain/contracts/ids.ts';
import type { ModelVersion } from '#domain/contracts/model-version.ts';
import { trainingSchema } from '#domain/contracts/pipeline-spec/training.ts';
import { percent } from '#domain/decide/judgement.ts';
import { PerennialError } from '#domain/errors.ts';
import type { RunKey, Sha256 } from '#domain/units.ts';
import { readManifest } from '../../infra/data/manifest.ts';
import { defaultShare, hashedColumns, isOfShareSql, sqlInstant } from '../../infra/features/split.ts';
import { withDuckDb } from '../../infra/tabular/duckdb.ts';
import { quoteName } from '../../infra/tabular/sql.ts';
import type { CpuDeps } from '../deps.ts';
import type { StepContext } from '../step-context.ts';
import type { Champion } from './champion.ts';
import { openHoldout, type RawHoldout } from './hold-out.ts';
import type { Subject } from './subject.ts';

type Deps = Pick<CpuDeps, 'definitions' | 'registry' | 'content' | 'scratch' | 'limits'>;

/** `rows`: places in the hold-out, ascending; null for all. */
export type Unlearned = { readonly championRows: ChampionRows; readonly rows: Uint32Array | null };

/** How the rows that a version learned from were told from those that it did not. */
type Split = {
  readonly snapshotSha256: Sha256;
  readonly split: FeatureFrame['split'];
  /** Share that the hash holds out. */
  readonly share: number;
  readonly eventTime: string | null;
};

// Only what is asked of documents of before, which may lack what was added since.
const reportSchema = z.object({ frameSha256: sha256Schema, onnxSha256: sha256Schema });
const frameSchema = z.object({ snapshotSha256: sha256Schema, split: featureFrameSchema.shape.split });
const definitionSchema = z.object({
  data: z.object({ event_time: z.string().optional() }),
  training: z.object({ holdout: trainingSchema.shape.holdout }).prefault({}),
});

const readOrNull = async <T>(read: Promise<T>): Promise<T | null> => {
  try {
    return await read;
  } catch (error) {
    if (error instanceof PerennialError && error.code === 'PRN_NOT_FOUND') return null;
    throw error;
  }
};

const splitBy = async (
  deps: Pick<Deps, 'definitions'>,
  definitionSha256: Sha256,
  frame: Pick<FeatureFrame, 'snapshotSha256' | 'split'>,
): Promise<Split | null> => {
  const asked = definitionSchema.safeParse((await deps.definitions.find(definitionSha256))?.file).data;
  if (asked === undefined) return null;
  const { holdout } = asked.training;
  const share = holdout?.kind === 'share' ? holdout.share : defaultShare;
  return { ...frame, share, eventTime: asked.data.event_time ?? null };
};

/** By the evaluation that the version was registered on, which names its frame; null where one of them is gone. */
const splitOfVersion = async (deps: Deps, version: ModelVersion): Promise<Split | null> => {
  const { runKey, definitionSha256, onnxSha256 } = version;
  if (runKey === null || definitionSha256 === null) return null;
  for (const { sha256 } of await deps.registry.evaluations(runKey as RunKey)) {
    const report = reportSchema.safeParse(await readOrNull(deps.content.getJson(sha256))).data;
    if (report?.onnxSha256 !== onnxSha256) continue;
    const frame = frameSchema.safeParse(await readOrNull(deps.content.getJson(report.frameSha256))).data;
    if (frame !== undefined) return splitBy(deps, definitionSha256, frame);
  }
  return null;
};

/** Without a look at rows: what was held out by then is still, or nothing older than that is held out now. */
const isKeptApart = (before: Split, now: Split): boolean => {
  if (before.split.kind !== now.split.kind) return false;
  if (now.split.kind === 'hash') return before.snapshotSha256 === now.snapshotSha256 && before.share === now.share;
  const [end, begin] = [before.split.holdoutFrom, now.split.holdoutFrom];
  return before.eventTime === now.eventTime && end !== null && begin !== null && Date.parse(begin) >= Date.parse(end);
};

const learnedFrom = ({ split, share }: Split): string =>
  split.kind === 'time' ? `rows before ${split.holdoutFrom}` : `${percent(1 - share)} of all rows, chosen by chance`;

type Condition = { readonly sql: string } | { readonly unknown: string };

const typesOf = ({ schema }: DatasetManifest): ReadonlyMap<string, string> =>
  new Map(schema.columns.map(({ name, type }) => [name, type]));

/** SQL over a row of today's hold-out: whether the version did not learn from it. Its own columns decide, as they did then. */
const unlearnedSql = (before: Split, then: DatasetManifest, now: DatasetManifest, { types }: RawHoldout): Condition => {
  const { eventTime } = then.schema;
  const isTime = before.split.kind === 'time';
  const columns = isTime ? [eventTime as string] : hashedColumns(then);
  const [were, are] = [typesOf(then), typesOf(now)];
  const other = columns.find((name) => were.get(name) !== are.get(name) || !types.has(name));
  if (other !== undefined) return { unknown: `column "${other}", by which its rows were split, is gone or of another type` };
  if (!isTime) return { sql: isOfShareSql(columns, before.share) };
  return { sql: `${quoteName(columns[0] as string)} >= ${sqlInstant(Date.parse(before.split.holdoutFrom as string))}` };
};

const unknown = (reason: string): Unlearned => ({ championRows: { kind: 'unknown', reason }, rows: null });

const known = (total: number, rows: Uint32Array | null, before: Split): Unlearned => {
  const unlearned = rows?.length ?? total;
  const isAll = unlearned === total;
  const championRows = { kind: 'known' as const, unlearned, learned: total - unlearned, learnedFrom: learnedFrom(before) };
  return { championRows, rows: isAll ? null : rows };
};

const lookAtRows = async (
  deps: Deps,
  { frame }: Subject,
  before: Split,
  context: StepContext | undefined,
): Promise<Unlearned> => {
  const then = await readOrNull(readManifest(deps.content, before.snapshotSha256));
  if (then === null) return unknown('the data version that it learned from is gone');
  const now = await readManifest(deps.content, frame.snapshotSha256);
  const file = await deps.content.localFile(frame.holdout.raw);
  return deps.scratch.withFolder('learned', (folder) =>
    withDuckDb({ folder, ...deps.limits, allowedFolders: [file], signal: context?.signal }, async (db) => {
      const holdout = await openHoldout(db, file);
      const found = unlearnedSql(before, then, now, holdout);
      if ('unknown' in found) return unknown(found.unknown);
      const sql = `SELECT CAST(_row AS DOUBLE) FROM ${holdout.relation} WHERE ${found.sql} ORDER BY _row`;
      const rows = (await db.connection.runAndReadAll(sql)).getColumns()[0] as number[] | undefined;
      return known(frame.holdout.rows, Uint32Array.from(rows ?? []), before);
    }),
  );
};

/**
 * Rows of the candidate's hold-out on which the champion may be judged: those that it was not trained on, by the split
 * that it was trained with. Rows that came later than its data but that its split would have taught it count as learned.
 */
export const findUnlearned = async (
  deps: Deps,
  subject: Subject,
  champion: Champion,
  context: StepContext | undefined,
): Promise<Unlearned> => {
  const { input, frame } = subject;
  const version = await deps.registry.get(input.pipeline, champion.version);
  if (version === null || version.snapshotSha256 === null) return { championRows: { kind: 'imported' }, rows: null };
  const before = await splitOfVersion(deps, version);
  if (before === null) return unknown('the record of its training is gone');
  const now = await splitBy(deps, input.definitionSha256, frame);
  if (now !== null && isKeptApart(before, now)) return known(frame.holdout.rows, null, before);
  return lookAtRows(deps, subject, before, context);
};
