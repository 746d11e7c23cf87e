/** Shipped predictions that have outlived `retention.predictions`, and the labels of those that are gone. */
import type { PipelineSpec } from '#domain/contracts/pipeline-spec/pipeline-spec.ts';
import { agingTime, chooseHours, type HeldHours, type ShippedHour } from '#domain/decide/retention/choose-hours.ts';
import { hourMs, type Instant, minuteMs, type PipelineName } from '#domain/units.ts';
import { objectKeys } from '../objects/keys.ts';
import type { ContentStore, ObjectStore } from '../objects/store.ts';
import { readDataClock } from '../postgres/data-clock.ts';
import type { Db } from '../postgres/pool.ts';
import { createRetention, isHeldUp, type ShippedSpan } from '../postgres/retention.ts';
import { createWatchEvidence } from '../postgres/watch-evidence.ts';
import { findNeeds } from './needs.ts';

export type RetentionDeps = {
  readonly db: Db;
  readonly objects: ObjectStore;
  readonly content: Pick<ContentStore, 'getJson' | 'forget'>;
};
export type RetentionOptions = {
  /** Only with this is anything deleted. */
  readonly isForReal: boolean;
  readonly signal?: AbortSignal;
  readonly heartbeat?: (detail: unknown) => void;
};
export type ExpiredPredictions = {
  /** Predictions whose event is older have outlived it; null where nothing was shipped. */
  readonly before: Instant | null;
  readonly hours: number;
  readonly parts: number;
  readonly rows: number;
  readonly bytes: number;
  readonly labels: number;
  readonly held: readonly HeldHours[];
};

/** Nobody who holds rows is waited for. */
export const busy = 'somebody brings data in, or verifies the store: the next time does it';

/** Enough that a statement does not count, few enough that shippers do not wait. */
const hoursAtOnce = 24;
const objectsAtOnce = 8;
/** Between the making of an id and the answer a request may wait for so long. */
const longestRequestMs = minuteMs;

const newestEvent = (hours: readonly ShippedHour[]): number | null =>
  hours.reduce<number | null>((newest, { lastEventMs }) => ((lastEventMs ?? 0) > (newest ?? 0) ? lastEventMs : newest), null);

/** The data time of the watch; without windows, as of a model that has no profile, the newest event that was shipped. */
const findDataTime = async (db: Db, pipeline: PipelineName, span: ShippedSpan): Promise<number> => {
  const { dataMs } = await readDataClock(createWatchEvidence(db), pipeline, null);
  return dataMs ?? span.eventMs ?? newestEvent(span.hours) ?? span.wallMs;
};

const batches = <T>(all: readonly T[], size: number): T[][] =>
  Array.from({ length: Math.ceil(all.length / size) }, (_, index) => all.slice(index * size, (index + 1) * size));

const deleteSome = async (
  { db, objects, content }: RetentionDeps,
  pipeline: PipelineName,
  hours: readonly ShippedHour[],
  before: Instant,
  { heartbeat }: RetentionOptions,
): Promise<void> => {
  const retention = createRetention(db);
  const fromMs = hours.map((hour) => hour.fromMs);
  const deleted = await retention.deleteParts(pipeline, fromMs, before);
  for (const few of batches(deleted.objects, objectsAtOnce)) {
    heartbeat?.({ pipeline, deletes: 'predictions' });
    await retention.deleteObjects(few, async (sha256) => {
      await objects.delete(objectKeys.content(sha256));
      await content.forget(sha256);
    });
  }
};

/** Those that are gone: fewer where somebody came between. */
const deleteHours = async (
  deps: RetentionDeps,
  pipeline: PipelineName,
  hours: readonly ShippedHour[],
  before: Instant,
  options: RetentionOptions,
): Promise<readonly ShippedHour[]> => {
  const gone: ShippedHour[] = [];
  for (const some of batches(hours, hoursAtOnce)) {
    options.signal?.throwIfAborted();
    try {
      await deleteSome(deps, pipeline, some, before, options);
    } catch (error) {
      if (isHeldUp(error)) return gone;
      throw error;
    }
    gone.push(...some);
  }
  return gone;
};

const total = (hours: readonly ShippedHour[], of: 'parts' | 'rows' | 'bytes'): number =>
  hours.reduce((sum, hour) => sum + hour[of], 0);

const heldUp = (hours: readonly ShippedHour[], gone: readonly ShippedHour[]): HeldHours[] => {
  const left = hours.slice(gone.length);
  return left.length === 0 ? [] : [{ why: busy, hours: left.length, rows: total(left, 'rows') }];
};

/** By ids that are as old as the retention, and older than all that is there: they name nothing any more. */
const expireLabels = async (
  { db }: RetentionDeps,
  pipeline: PipelineName,
  beforeMs: number,
  { isForReal, signal, heartbeat }: RetentionOptions,
): Promise<number> => {
  const retention = createRetention(db);
  if (!isForReal) return retention.countLabels(pipeline, beforeMs);
  for (let labels = 0; ; ) {
    signal?.throwIfAborted();
    heartbeat?.({ pipeline, deletes: 'labels' });
    const { items } = await retention.deleteLabels(pipeline, beforeMs);
    if (items === 0) return labels;
    labels += items;
  }
};

const labelsBefore = ({ hours, wallMs }: ShippedSpan, expired: readonly ShippedHour[], keepMs: number): number => {
  const gone = new Set(expired.map(({ fromMs }) => fromMs));
  const oldest = hours.find(({ fromMs }) => !gone.has(fromMs))?.fromMs ?? Number.POSITIVE_INFINITY;
  return Math.min(oldest, Math.floor((wallMs - keepMs) / hourMs) * hourMs) - longestRequestMs;
};

/** Deletes whole hours, oldest first. Killed at any point, the next time does the rest; again it does nothing. */
export const expirePredictions = async (
  deps: RetentionDeps,
  pipeline: PipelineName,
  spec: PipelineSpec,
  options: RetentionOptions,
): Promise<ExpiredPredictions> => {
  const keepMs = spec.retention.predictions;
  const span = await createRetention(deps.db).shipped(pipeline);
  const { wallMs } = span;
  const nowMs = agingTime(await findDataTime(deps.db, pipeline, span), span.shippedMs ?? wallMs, wallMs);
  const needs = span.hours.length === 0 ? [] : await findNeeds(deps, pipeline, spec, nowMs);
  const { expired, held } = chooseHours(span.hours, { keepMs, nowMs, wallMs, needs });
  const before = new Date(nowMs - keepMs).toISOString() as Instant;
  const gone = options.isForReal ? await deleteHours(deps, pipeline, expired, before, options) : expired;
  return {
    before: span.hours.length === 0 ? null : before,
    hours: gone.length,
    parts: total(gone, 'parts'),
    rows: total(gone, 'rows'),
    bytes: total(gone, 'bytes'),
    labels: await expireLabels(deps, pipeline, labelsBefore(span, gone, keepMs), options),
    held: [...held, ...heldUp(expired, gone)],
  };
};
