import type { Command } from 'commander';
import { note, print, printJson } from '../output.ts';

/** On anything longer than two seconds a person wants to see that it goes on. */
const progressEveryMs = 2_000;

type Options = { readonly pipeline?: string; readonly json?: boolean };

const label = async (file: string, options: Options): Promise<void> => {
  const { resolve } = await import('node:path');
  const { withContext } = await import('../context.ts');
  const { withScratch } = await import('../data/scratch.ts');
  const { handIn } = await import('../label/hand-in.ts');
  const { labelledPipeline } = await import('../label/which-pipeline.ts');
  const { errorRegistry } = await import('#domain/errors.ts');
  const begun = performance.now();
  let toldAt = begun;
  await withContext(async (context) => {
    const pipeline = await labelledPipeline(context, options.pipeline);
    const done = await withScratch((folder) =>
      handIn(context, { file: resolve(file), pipeline, folder }, ({ rows }) => {
        const now = performance.now();
        if (now - toldAt < progressEveryMs) return;
        toldAt = now;
        note(`${rows} rows, ${Math.round((rows / (now - begun)) * 1_000)} a second`);
      }),
    );
    if (options.json === true) printJson({ pipeline, ...done });
    else {
      const { rows, accepted, corrected, duplicates, bad } = done;
      for (const { line, problem } of done.badRows) note(`line ${line}: ${problem}`);
      if (bad > done.badRows.length) note(`and ${bad - done.badRows.length} more rows that are wrong`);
      print(
        `${pipeline}: ${rows} rows: ${accepted} new, ${corrected} corrected, ${duplicates} there already, ${bad} wrong and left out`,
      );
    }
    if (done.bad > 0) process.exitCode = errorRegistry.PRN_INPUT_INVALID.exit;
  });
};

export const register = (program: Command): void => {
  program
    .command('label')
    .description('Hand in labels from a CSV, NDJSON or Parquet file; the same file again changes nothing')
    .argument('<file>', 'with columns prediction_id (or those of data.key), label, and at: when it became known')
    .option('--pipeline <name>', 'absent: the only one that is applied')
    .option('--json', 'one JSON document')
    .addHelpText(
      'after',
      `\nRows that are wrong are told by their line and left out; all others are kept, and the exit code is 2.
Without "at" a label became known now.

Example:\n  $ perennial label outcomes.csv --pipeline churn`,
    )
    .action(label);
};
