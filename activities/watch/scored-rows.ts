/** Joined rows in the form that metrics take. */
import type { ModelPackage } from '#domain/contracts/model-version.ts';
import type { Scored } from '#domain/stats/metrics/scored.ts';
import type { LabelPolicy } from '#domain/stats/performance/maturity.ts';
import { settleLabels } from '#domain/stats/performance/settled-labels.ts';
import { classIndexOf, type LabelValue, numberOf } from '../../infra/capture/label-value.ts';
import type { AnswerRows } from '../../infra/performance/questions.ts';

export type Model = Pick<ModelPackage, 'task' | 'classes'>;

/** Outputs that a server logs for each row. */
export const outputsOf = ({ task, classes }: Model): number => (task === 'multiclass' ? classes.length : 1);

/** A label as metrics take it: the position of its class, or its number. Null for what the model cannot be asked. */
export const createLabelReader = ({ task, classes }: Model): ((json: string | null) => number | null) => {
  const known = new Map<string, number | null>();
  const read = (json: string): number | null => {
    const value = JSON.parse(json) as LabelValue;
    const found = task === 'regression' ? numberOf(value) : classIndexOf(classes, value);
    return Number.isFinite(found) && (task === 'regression' || found >= 0) ? found : null;
  };
  return (json) => {
    if (json === null) return null;
    // Numbers are many and read quickly; classes are few.
    if (task === 'regression') return read(json);
    const remembered = known.get(json);
    if (remembered !== undefined) return remembered;
    const found = read(json);
    known.set(json, found);
    return found;
  };
};

export type ScoredRows = {
  readonly scored: Scored;
  readonly agesMs: Float64Array;
  readonly eventMs: Float64Array;
  readonly groups: readonly (bigint | null)[];
};

/** Rows of one model, one list after the other. */
export const joinRows = (parts: readonly [ScoredRows, ...ScoredRows[]]): ScoredRows => {
  const concat = (lists: readonly ArrayLike<number>[]): Float64Array =>
    Float64Array.from(lists.flatMap((list) => Array.from(list)));
  return {
    scored: {
      ...parts[0].scored,
      labels: concat(parts.map(({ scored }) => scored.labels)),
      answers: concat(parts.map(({ scored }) => scored.answers)),
    },
    agesMs: concat(parts.map(({ agesMs }) => agesMs)),
    eventMs: concat(parts.map(({ eventMs }) => eventMs)),
    groups: parts.flatMap(({ groups }) => groups),
  };
};

/** Settled rows with their answers; probabilities that a rounding took out of [0, 1] are put back. */
export const toScoredRows = (rows: AnswerRows, model: Model, nowMs: number, policy: LabelPolicy): ScoredRows => {
  const readLabel = createLabelReader(model);
  const ages = rows.eventMs.map((eventMs) => nowMs - eventMs);
  const settled = settleLabels(rows.labels.map(readLabel), ages, policy);
  const answers = new Float64Array(settled.rows.length * rows.width);
  const isProbability = model.task !== 'regression';
  settled.rows.forEach((row, place) => {
    for (let k = 0; k < rows.width; k++) {
      const score = rows.scores[row * rows.width + k] as number;
      answers[place * rows.width + k] = isProbability ? Math.min(1, Math.max(0, score)) : score;
    }
  });
  const pick = (values: Float64Array): Float64Array => Float64Array.from(settled.rows, (row) => values[row] as number);
  const classes = { binary: 2, multiclass: model.classes.length, regression: 0 }[model.task];
  return {
    scored: { task: model.task, classes, labels: settled.labels, answers },
    agesMs: pick(ages),
    eventMs: pick(rows.eventMs),
    groups: Array.from(settled.rows, (row) => rows.groups[row] as bigint | null),
  };
};
