import { durationSchema } from '#domain/contracts/pipeline-spec/quantities.ts';
import { PerennialError } from '#domain/errors.ts';
import { collectGarbage } from '../../../infra/data/gc.ts';
import { type Verification, verifySnapshot, verifyStore } from '../../../infra/data/verify.ts';
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

export const gc = (options: { delete?: boolean; olderThan: string; json?: boolean }): Promise<void> =>
  withContext(async (context) => {
    const grace = durationSchema.safeParse(options.olderThan);
    if (!grace.success)
      throw new PerennialError('PRN_USAGE', `Cannot read --older-than "${options.olderThan}": expected a duration such as 7d`);
    const isForReal = options.delete === true;
    const result = await collectGarbage(context.database.db, context.objects, {
      graceMs: grace.data,
      nowMs: Date.now(),
      isForReal,
    });
    if (options.json) return printJson({ ...result, isForReal });
    const what = `${formatMany(result.garbage.objects, 'object')} (${formatBytes(result.garbage.bytes)}) that nothing names`;
    if (result.garbage.objects === 0) print('Nothing to delete');
    else print(isForReal ? `Deleted ${what}` : `Would delete ${what}; add --delete to do it`);
    return print(`${formatMany(result.kept.objects, 'object')} (${formatBytes(result.kept.bytes)}) stay`);
  });
