import type { DatasetManifest } from '#domain/contracts/dataset.ts';
import { PerennialError } from '#domain/errors.ts';
import type { PipelineName } from '#domain/units.ts';
import { readManifest } from '../../../infra/data/manifest.ts';
import { readFirstRows, readQuarantined, readRejected } from '../../../infra/data/rows.ts';
import { type Context, withContext } from '../context.ts';
import { print, printJson, short, table } from '../output.ts';
import { formatBytes, formatCount, formatMany, parseCount } from '../quantity.ts';
import { withScratch } from './scratch.ts';

const text = (value: unknown): string => {
  if (value instanceof Date) return value.toISOString();
  return typeof value === 'string' ? value : value === null ? '' : JSON.stringify(value);
};

/** Digits of a snapshot, or a pipeline, which means its newest snapshot. */
export const findSnapshot = async (context: Context, asked: string) => {
  const [newest] = await context.snapshots.list(asked as PipelineName);
  const sha256 = newest?.sha256 ?? (await context.snapshots.resolvePrefix(asked));
  const collectedAt = (await context.snapshots.get(sha256))?.collectedAt ?? null;
  if (collectedAt !== null)
    throw new PerennialError(
      'PRN_NOT_FOUND',
      `Cannot read snapshot "${short(sha256)}" as its data must be kept: retention.snapshots gave them up at ${collectedAt}`,
    );
  return { sha256, manifest: await readManifest(context.content, sha256) };
};

type Limits = Pick<DatasetManifest['schema']['columns'][number], 'min' | 'max' | 'unit'>;

/** "0 to 120 months", "at least 0 EUR", "EUR". */
export const limitsText = ({ min, max, unit }: Limits): string => {
  const both = min !== undefined && max !== undefined ? [`${min} to ${max}`] : null;
  const one = [...(min === undefined ? [] : [`at least ${min}`]), ...(max === undefined ? [] : [`at most ${max}`])];
  return [...(both ?? one), ...(unit === undefined ? [] : [unit])].join(' ');
};

const printManifest = (sha256: string, manifest: DatasetManifest): void => {
  const events = manifest.eventTime ? `${manifest.eventTime.first} to ${manifest.eventTime.last}` : 'no event time';
  print(`${sha256}  ${manifest.pipeline}`);
  print(
    `${formatMany(manifest.rows, 'row')}, ${formatBytes(manifest.bytes)}, ${formatMany(manifest.parts.length, 'part')}, ${events}`,
  );
  print(`${formatMany(manifest.rejected.rows, 'row')} rejected, ${formatCount(manifest.quarantined.rows)} quarantined`);
  if (manifest.schema.columns.length > 0)
    print(
      table([
        ['column', 'type', 'role', 'limits'],
        ...manifest.schema.columns.map((column) => [column.name, column.type, column.role, limitsText(column)]),
      ]),
    );
};

export type ShowOptions = { rejected?: boolean; quarantined?: boolean; rows?: string; limit: string; json?: boolean };

const rowsAsked = async (
  context: Context,
  manifest: DatasetManifest,
  options: ShowOptions,
): Promise<Record<string, unknown>[] | null> => {
  const limits = { memoryMiB: context.config.memoryMiB, threads: context.config.threads };
  const limit = parseCount('--limit', options.limit);
  const first = options.rows === undefined ? null : parseCount('--rows', options.rows);
  return withScratch(async (scratch) => {
    if (options.rejected) return readRejected(context.content, manifest.rejected.sha256, { scratch, limits }, limit);
    if (options.quarantined) return readQuarantined(context.content, manifest.quarantined.sha256, { scratch, limits }, limit);
    return first === null ? null : readFirstRows(context.content, manifest, { scratch, limits }, first);
  });
};

export const showSnapshot = (asked: string, options: ShowOptions): Promise<void> =>
  withContext(async (context) => {
    const { sha256, manifest } = await findSnapshot(context, asked);
    const rows = await rowsAsked(context, manifest, options);
    if (options.json) return printJson(rows === null ? { snapshot: sha256, ...manifest } : { snapshot: sha256, rows });
    if (rows === null) return printManifest(sha256, manifest);
    if (rows.length === 0) return print(`No such rows in snapshot ${short(sha256)}`);
    const names = Object.keys(rows[0] ?? {}).filter((name) => name !== 'raw');
    print(table([names, ...rows.map((row) => names.map((name) => text(row[name])))]));
    return undefined;
  });
