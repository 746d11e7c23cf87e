import type { ArmName } from '#domain/contracts/capture.ts';
import type { RawRow } from '#domain/features/apply.ts';
import type { RawValue } from '#domain/features/category.ts';
import type { Answer } from '../model/answer.ts';
import type { RowViews } from '../model/row-views.ts';
import type { ServedModel } from '../model/served-model.ts';

/** What of an answered row its model does not say. */
export type AnsweredRow = {
  readonly id: string;
  readonly atMs: number;
  readonly eventMs: number;
  /** What the split was drawn over, hashed; null where each request is drawn by itself. */
  readonly unit: string | null;
  readonly row: RawRow;
  readonly views: RowViews;
  readonly answer: Answer;
};

/** Instants come in bursts of one millisecond; the text of the last is at hand. */
const createInstantText = (): ((epochMs: number) => string) => {
  let lastMs = Number.NaN;
  let lastText = '';
  return (epochMs) => {
    if (epochMs !== lastMs) {
      lastMs = epochMs;
      lastText = new Date(epochMs).toISOString();
    }
    return lastText;
  };
};

/** Nothing in it that JSON escapes, nor half a surrogate pair: then its quoted form is itself between quotes. */
const plainText = /^[\x20\x21\x23-\x5b\x5d-\x7e]*$/;

const jsonOf = (value: RawValue): string => {
  if (typeof value === 'number') return Number.isFinite(value) ? `${value}` : 'null';
  if (typeof value === 'string') return plainText.test(value) ? `"${value}"` : JSON.stringify(value);
  return value === null || value === undefined ? 'null' : `${value}`;
};

const scoresText = ({ task, classes }: ServedModel['package']): ((answer: Answer) => string) => {
  if (task === 'regression') return ({ prediction }) => `${prediction}`;
  if (task === 'binary') return ({ probability }) => `${probability}`;
  return ({ probabilities }) => classes.map((name) => `${probabilities?.[name]}`).join(',');
};

export type Author = {
  readonly pipeline: string;
  readonly version: number;
  readonly generation: number;
  readonly arm: ArmName;
  readonly shadow: boolean;
  readonly model: Pick<ServedModel, 'modelSha256' | 'package' | 'featureSet'>;
};

/**
 * Compiles what all answers of one arm have in common into the writing of their lines (see `predictionRecordSchema`): a
 * general writer of JSON takes three times as long, and there is one line for every prediction.
 */
export const createAnsweredLine = ({ pipeline, version, generation, arm, shadow, model }: Author) => {
  const { modelSha256, featureSet } = model;
  const common = JSON.stringify({ pipeline, version, modelSha256, generation, arm, shadow }).slice(1, -1);
  const fields = featureSet.request.map(({ name }, index) => ({
    name,
    label: `${index === 0 ? '' : ','}${JSON.stringify(name)}:`,
  }));
  const scores = scoresText(model.package);
  const [atText, eventText] = [createInstantText(), createInstantText()];
  /** `counted`: answered rows of the model so far, where not all are kept; else null. */
  return ({ id, atMs, eventMs, unit, row, views, answer }: AnsweredRow, counted: number | null = null): string => {
    let inputs = '';
    for (const { name, label } of fields) inputs += label + jsonOf(row[name]);
    const at = atText(atMs);
    return (
      `{"kind":"answered","id":"${id}",${common},"at":"${at}","eventAt":"${eventMs === atMs ? at : eventText(eventMs)}",` +
      `"unit":${unit === null ? 'null' : `"${unit}"`},"prediction":${jsonOf(answer.prediction)},"scores":[${scores(answer)}],` +
      `"inputs":{${inputs}},"views":${views === null ? '{}' : JSON.stringify(views)}${counted === null ? '' : `,"counted":${counted}`}}\n`
    );
  };
};

export type RefusedRequest = {
  readonly id: string;
  readonly pipeline: string;
  readonly generation: number;
  readonly arm: ArmName | null;
  readonly atMs: number;
  readonly status: number;
  readonly code: string;
  readonly message: string;
};

/** Longer ones repeat what a client sent; the contract bounds them. */
const mostMessage = 500;

export const refusedLine = ({ atMs, message, ...request }: RefusedRequest): string =>
  `${JSON.stringify({ kind: 'refused', ...request, at: new Date(atMs).toISOString(), message: message.slice(0, mostMessage) })}\n`;
