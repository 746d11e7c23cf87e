import { durationSchema } from '#domain/contracts/pipeline-spec/quantities.ts';
import { errorRegistry, PerennialError } from '#domain/errors.ts';
import { type Verification, verifySnapshot, verifyStore } from '../../../infra/data/verify.ts';
import { applyRetention, type PipelineRetention, type RetentionReport } from '../../../infra/retention/apply-retention.ts';
import { withContext } from '../context.ts';
import { note, print, printJson } from '../output.ts';
import { formatBytes, formatMany } from '../quantity.ts';
import { withScratch } from './scratch.ts';
import { findSnapshot } from './show.ts';

const assertSound = (result: Verification): void => {
  for (const { sha256, kind, what, is } of result.damaged)
    note(`${kind}: ${what} ${sha256}${is === null ? '' : `, its bytes have ${is}`}`);
  if (result.damaged.length > 0)
    throw new PerennialError(
      'PRN_OBJECT_CORRUPT',
      `Cannot vouch for the store as ${result.damaged.length} of ${result.objects} objects are damaged: expected 0`,
      {
        details: { damaged: result.damaged },
      },
    );
};

export const verify = (asked: string | undefined, options: { json?: boolean }): Promise<void> =>
  withContext(async (context) => {
    const result = await withScratch(async (scratch) => {
      if (asked === undefined) return verifyStore(context.objects, scratch);
      const { sha256, manifest } = await findSnapshot(context, asked);
      return verifySnapshot(context.objects, sha256, manifest, scratch);
    });
    assertSound(result);
    if (options.json) return printJson(result);
    return print(`${formatMany(result.objects, 'object')}, ${formatBytes(result.bytes)}: every name is the digest of its bytes`);
  });

const describePipeline = (one: PipelineRetention): string[] => {
  const { pipeline, predictions, snapshots, runs } = one;
  const { rows, hours, labels, before } = predictions;
  const parts = [
    ...(rows > 0 ? [`${formatMany(rows, 'prediction')} of ${formatMany(hours, 'hour')} before ${before}`] : []),
    ...(labels > 0 ? [formatMany(labels, 'label')] : []),
    ...(snapshots > 0 ? [`the data of ${formatMany(snapshots, 'snapshot')}`] : []),
    ...(runs > 0 ? [formatMany(runs, 'run')] : []),
  ];
  return parts.length > 0 ? [`${pipeline}: ${parts.join(', ')}`] : [];
};

const printReport = ({ pipelines, problems, garbage, garbageHeld }: RetentionReport, isForReal: boolean): void => {
  const expired = pipelines.flatMap(describePipeline);
  if (expired.length > 0) print(isForReal ? 'Outlived their retention, and deleted:' : 'Outlived their retention:');
  for (const line of expired) print(`  ${line}`);
  for (const { pipeline, held } of pipelines) for (const what of held) print(`${pipeline} still keeps ${what}`);
  for (const { pipeline, reason } of problems) note(`${pipeline}: nothing is deleted: ${reason}`);
  if (garbageHeld !== null) note(garbageHeld);
  if (garbage === null) return;
  const what = `${formatMany(garbage.garbage.objects, 'object')} (${formatBytes(garbage.garbage.bytes)}) that nothing names`;
  if (garbage.garbage.objects > 0) print(isForReal ? `Deleted ${what}` : `Would delete ${what}`);
  else if (expired.length === 0) print('Nothing to delete');
  if (!isForReal && (garbage.garbage.objects > 0 || expired.length > 0)) print('Add --delete to do it');
  print(`${formatMany(garbage.kept.objects, 'object')} (${formatBytes(garbage.kept.bytes)}) stay`);
};

export const gc = (options: { delete?: boolean; olderThan: string; json?: boolean }): Promise<void> =>
  withContext(async ({ database: { db }, objects, content }) => {
    const grace = durationSchema.safeParse(options.olderThan);
    if (!grace.success)
      throw new PerennialError('PRN_USAGE', `Cannot read --older-than "${options.olderThan}": expected a duration such as 7d`);
    const isForReal = options.delete === true;
    const garbage = { graceMs: grace.data, nowMs: Date.now() };
    const report = await applyRetention({ db, objects, content }, { isForReal }, garbage);
    if (report.garbageHeld !== null) process.exitCode = errorRegistry.PRN_CONFLICT.exit;
    return options.json ? printJson({ ...report, isForReal }) : printReport(report, isForReal);
  });
