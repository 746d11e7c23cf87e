/** Labels of a file to the database: as many as are right, with what is wrong with the others. */
import type { LabelReceipt } from '#domain/contracts/capture.ts';
import { modelPackageSchema } from '#domain/contracts/model-version.ts';
import { PerennialError } from '#domain/errors.ts';
import type { PipelineName } from '#domain/units.ts';
import { type LabelForm, parseLabels } from '../../../infra/capture/label-intake.ts';
import { createLabelIntake } from '../../../infra/capture/open-intake.ts';
import { type LabelLine, readLabelFile } from '../../../infra/capture/read-label-file.ts';
import type { NewLabel } from '../../../infra/postgres/labels.ts';
import type { Context } from '../context.ts';

/** One transaction's worth. */
const batchRows = 10_000;
/** Bad rows that are told by their line; the rest are counted. */
const mostTold = 20;

export type BadRow = { readonly line: number; readonly problem: string };
export type HandedIn = LabelReceipt & { readonly rows: number; readonly bad: number; readonly badRows: readonly BadRow[] };

const formOf = async (context: Context, pipeline: PipelineName, keyColumns: readonly string[]): Promise<LabelForm> => {
  const champion = await context.registry.champion(pipeline);
  if (champion === null) return { type: null, keyColumns };
  return { type: modelPackageSchema.parse(await context.content.getJson(champion.modelSha256)), keyColumns };
};

const problemOf = (line: LabelLine, form: LabelForm): { label: NewLabel } | { problem: string } => {
  if ('problem' in line) return line;
  const { labels, problems } = parseLabels([line.input], form);
  const [label] = labels;
  if (label !== undefined) return { label };
  return { problem: problems.map(({ field, message }) => (field === '' ? message : `"${field}" ${message}`)).join('; ') };
};

const add = (left: HandedIn, right: LabelReceipt): HandedIn => ({
  ...left,
  accepted: left.accepted + right.accepted,
  corrected: left.corrected + right.corrected,
  duplicates: left.duplicates + right.duplicates,
});

/** What was kept before a failure is kept: it says how much, and that the same file may be handed in again. */
const halfWay = (error: unknown, done: HandedIn): unknown => {
  const kept = done.accepted + done.corrected + done.duplicates;
  if (kept === 0 || !(error instanceof PerennialError)) return error;
  const message = `${error.message}. ${kept} labels were kept before that; hand the file in again, nothing counts twice`;
  return new PerennialError(error.code, message, { cause: error });
};

/** In portions, each in one transaction; `onProgress` hears of each. */
export const handIn = async (
  context: Context,
  { file, pipeline, folder }: { readonly file: string; readonly pipeline: PipelineName; readonly folder: string },
  onProgress: (done: HandedIn) => void,
): Promise<HandedIn> => {
  const intake = createLabelIntake(context.database.db);
  const keyColumns = await intake.keyColumns(pipeline);
  const form = await formOf(context, pipeline, keyColumns);
  let done: HandedIn = { rows: 0, accepted: 0, corrected: 0, duplicates: 0, bad: 0, badRows: [] };
  let batch: NewLabel[] = [];
  const keep = async (): Promise<void> => {
    if (batch.length > 0) done = add(done, await intake.record(pipeline, batch));
    batch = [];
    onProgress(done);
  };
  try {
    for await (const line of readLabelFile({ file, keyColumns, folder })) {
      const found = problemOf(line, form);
      const isTold = 'problem' in found && done.badRows.length < mostTold;
      const badRows = isTold ? [...done.badRows, { line: line.line, problem: found.problem }] : done.badRows;
      done = { ...done, rows: done.rows + 1, bad: done.bad + ('problem' in found ? 1 : 0), badRows };
      if ('label' in found) batch.push(found.label);
      if (batch.length === batchRows) await keep();
    }
    await keep();
  } catch (error) {
    throw halfWay(error, done);
  }
  return done;
};
