/** What a label may be, given the model that it is about. */
import type { Label } from '#domain/contracts/capture.ts';
import type { ModelPackage } from '#domain/contracts/model-version.ts';

export type LabelType = Pick<ModelPackage, 'task' | 'classes'>;
export type LabelValue = Label['label'];

/** Truths are also written as 1 and 0, and the other way round, where nothing else is meant by them. */
const twins: Readonly<Record<string, string>> = { '1': 'true', '0': 'false', true: '1', false: '0' };

const namedText = (value: LabelValue): string => (typeof value === 'string' ? value.trim() : JSON.stringify(value));

/** The position of a label's class; -1 for what is none. */
export const classIndexOf = (classes: readonly string[], value: LabelValue): number => {
  const text = namedText(value);
  const exact = classes.indexOf(text);
  if (exact >= 0) return exact;
  const lower = classes.indexOf(text.toLowerCase());
  return lower >= 0 ? lower : classes.indexOf(twins[text.toLowerCase()] ?? text);
};

/** The number of a regression's label; NaN for what is none. */
export const numberOf = (value: LabelValue): number => {
  if (typeof value === 'number') return value;
  return typeof value === 'string' && value.trim() !== '' ? Number(value) : Number.NaN;
};

/** Text that says a number or a truth, and nothing else, is that: "1", "1.0e3" and "true", but not "007". */
const unquoted = (text: string): LabelValue => {
  if (text === 'true' || text === 'false') return text === 'true';
  const number = Number(text);
  return text.trim() !== '' && Number.isFinite(number) && !/^\s*[-+]?0\d/.test(text) ? number : text;
};

/**
 * One form for one label, so that the same label is told from a correction: "1", 1 and true are one where a model of
 * truths is asked. Without a type only numbers and truths that came as text are put right. A problem is said as what follows
 * the name of the field.
 */
export const normaliseLabel = (value: LabelValue, type: LabelType | null): { label: LabelValue } | { problem: string } => {
  if (type === null) return { label: typeof value === 'string' ? unquoted(value) : value };
  if (type.task === 'regression') {
    const number = numberOf(value);
    return Number.isFinite(number) ? { label: number } : { problem: `must be a number: is ${JSON.stringify(value)}` };
  }
  const name = type.classes[classIndexOf(type.classes, value)];
  if (name !== undefined) return { label: unquoted(name) };
  const shown = type.classes.slice(0, 10).join(', ') + (type.classes.length > 10 ? ', …' : '');
  return { problem: `must be one of ${shown}: is ${JSON.stringify(value)}` };
};
