import type { Command } from 'commander';
import { note, print, printJson } from '../output.ts';
import { formatCount, formatMany } from '../quantity.ts';

/** On anything longer than two seconds a person wants to see that it goes on. */
const progressEveryMs = 2_000;

type Options = { readonly pipeline?: string; readonly json?: boolean };

const label = async (file: string, options: Options): Promise<void> => {
  const { resolve } = await import('node:path');
  const { withContext } = await import('../context.ts');
  const { withScratch } = await import('../data/scratch.ts');
  const { handedInLines } = await import('../label/handed-in-lines.ts');
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
        note(`${formatMany(rows, 'row')}, ${formatCount(Math.round((rows / (now - begun)) * 1_000))} a second`);
      }),
    );
    if (options.json === true) printJson({ pipeline, ...done });
    else {
      for (const { line, problem } of done.badRows) note(`line ${line}: ${problem}`);
      const untold = done.bad - done.badRows.length;
      if (untold > 0) note(`and ${formatMany(untold, 'more row')} that ${untold === 1 ? 'is' : 'are'} wrong`);
      for (const line of handedInLines(pipeline, done)) print(line);
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
      `\nA label counts once its prediction is shipped, or a row has its key. One whose prediction_id no server answered with
is kept all the same, as its prediction may still come, and counts as unknown once later predictions are shipped.
Rows that are wrong are told by their line and left out; all others are kept, and the exit code is 2.
Without "at" a label became known now.

Example:\n  $ perennial label outcomes.csv --pipeline churn`,
    )
    .action(label);
};
