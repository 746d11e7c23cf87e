/** Labels as they are handed in, over HTTP or from a file, to labels as they are kept. */
import { type Label, labelSchema } from '#domain/contracts/capture.ts';
import type { Instant } from '#domain/units.ts';
import type { NewLabel } from '../postgres/labels.ts';
import { type LabelType, normaliseLabel } from './label-value.ts';
import { subjectOfKey, subjectOfPrediction } from './subject.ts';

/** What a label must fit. */
export type LabelForm = {
  /** Of the model that serves; null where none is known. */
  readonly type: LabelType | null;
  /** Of `data.key`; none where the pipeline declares no key. */
  readonly keyColumns: readonly string[];
};

export type LabelProblem = { readonly index: number; readonly field: string; readonly message: string };

const issuesOf = (input: unknown): { field: string; message: string }[] => {
  const parsed = labelSchema.safeParse(input);
  return (parsed.error?.issues ?? []).map((issue) => ({ field: issue.path.join('.'), message: issue.message }));
};

const keyProblem = (key: NonNullable<Label['key']>, keyColumns: readonly string[]): string | null => {
  if (keyColumns.length === 0) return 'cannot name a row, as the pipeline declares no data.key: use prediction_id';
  const names = Object.keys(key);
  const isWhole = names.length === keyColumns.length && keyColumns.every((column) => names.includes(column));
  return isWhole ? null : `must have the columns of data.key, ${keyColumns.join(', ')}: has ${names.join(', ')}`;
};

const parseLabel = (input: unknown, form: LabelForm): NewLabel | { field: string; message: string }[] => {
  const parsed = labelSchema.safeParse(input);
  if (!parsed.success) return issuesOf(input);
  const { prediction_id: id, key, label: value, at } = parsed.data;
  const problems: { field: string; message: string }[] = [];
  const wrongKey = key === undefined ? null : keyProblem(key, form.keyColumns);
  if (wrongKey !== null) problems.push({ field: 'key', message: wrongKey });
  const found = normaliseLabel(value, form.type);
  if ('problem' in found) problems.push({ field: 'label', message: found.problem });
  if (problems.length > 0 || 'problem' in found) return problems;
  const subject = id === undefined ? subjectOfKey(key ?? {}) : subjectOfPrediction(id);
  return { subject, label: found.label, at: at === undefined ? null : (new Date(at).toISOString() as Instant) };
};

/** All labels that are right, and what is wrong with the others, by their position. */
export const parseLabels = (
  inputs: readonly unknown[],
  form: LabelForm,
): { readonly labels: readonly NewLabel[]; readonly problems: readonly LabelProblem[] } => {
  const labels: NewLabel[] = [];
  const problems: LabelProblem[] = [];
  for (const [index, input] of inputs.entries()) {
    const parsed = parseLabel(input, form);
    if (Array.isArray(parsed)) problems.push(...parsed.map((problem) => ({ index, ...problem })));
    else labels.push(parsed);
  }
  return { labels, problems };
};
