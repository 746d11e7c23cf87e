import { PerennialError } from '#domain/errors.ts';
import { checkOut } from '../../../infra/data/checkout.ts';
import { diffSnapshots } from '../../../infra/data/diff.ts';
import { withContext } from '../context.ts';
import { pipelineOfList } from '../known-pipeline.ts';
import { print, printJson, short, table } from '../output.ts';
import { formatBytes, formatCount, formatMany } from '../quantity.ts';
import { withScratch } from './scratch.ts';
import { findSnapshot } from './show.ts';

export const listSnapshots = (named: string | undefined, options: { pipeline?: string; json?: boolean }): Promise<void> =>
  withContext(async (context) => {
    const pipeline = await pipelineOfList(context, { named, byOption: options.pipeline }, 'Cannot list snapshots of');
    const snapshots = await context.snapshots.list(pipeline);
    if (options.json) return printJson({ snapshots });
    if (snapshots.length === 0) return print('No snapshots yet: `perennial run PIPELINE` makes one');
    const rows = snapshots.map((snapshot) => [
      short(snapshot.sha256),
      snapshot.pipeline,
      formatCount(snapshot.rows),
      formatBytes(snapshot.bytes),
      String(snapshot.partCount),
      snapshot.firstEventAt === null ? '-' : `${snapshot.firstEventAt.slice(0, 10)} to ${snapshot.lastEventAt?.slice(0, 10)}`,
      snapshot.createdAt,
      snapshot.collectedAt === null ? 'kept' : `given up ${snapshot.collectedAt.slice(0, 10)}`,
    ]);
    print(table([['snapshot', 'pipeline', 'rows', 'size', 'parts', 'events', 'frozen', 'data'], ...rows]));
    return undefined;
  });

export const diff = (from: string, to: string, options: { json?: boolean }): Promise<void> =>
  withContext(async (context) => {
    const [before, after] = [await findSnapshot(context, from), await findSnapshot(context, to)];
    const found = diffSnapshots(before.manifest, after.manifest);
    if (options.json) return printJson({ before: before.sha256, after: after.sha256, ...found });
    print(
      `${short(before.sha256)} to ${short(after.sha256)}: rows ${formatCount(found.rows.before)} to ${formatCount(found.rows.after)}, ${formatMany(found.sharedParts, 'part')} shared`,
    );
    for (const column of found.columns)
      print(`column "${column.name}": ${JSON.stringify(column.before)} to ${JSON.stringify(column.after)}`);
    if (found.parts.length > 0)
      print(
        table([
          ['part', 'change', 'rows before', 'rows after'],
          ...found.parts.map((part) => [
            `${part.source}/${part.partition}`,
            part.change,
            formatCount(part.rowsBefore),
            formatCount(part.rowsAfter),
          ]),
        ]),
      );
    return undefined;
  });

export const checkout = (asked: string, folder: string, options: { format: string; json?: boolean }): Promise<void> =>
  withContext(async (context) => {
    const { format } = options;
    if (format !== 'parquet' && format !== 'csv')
      throw new PerennialError('PRN_USAGE', `Cannot check out as "${format}": expected "parquet" or "csv"`);
    const { sha256, manifest } = await findSnapshot(context, asked);
    const limits = { memoryMiB: context.config.memoryMiB, threads: context.config.threads };
    const written = await withScratch((scratch) => checkOut(context.content, manifest, { folder, format, scratch, limits }));
    if (options.json) return printJson({ snapshot: sha256, folder, ...written });
    return print(
      `Wrote ${formatMany(written.rows, 'row')} of ${short(sha256)} to ${folder} (${formatMany(written.files, 'file')})`,
    );
  });
