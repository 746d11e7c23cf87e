/** A model's raw answers, checked and brought into the form that metrics take. */
import type { FeatureFrame } from '#domain/contracts/feature-set.ts';
import { PerennialError } from '#domain/errors.ts';
import type { Scored } from '#domain/stats/metrics/scored.ts';

/** What is asked: the task and its classes in the order of the label's indices. */
export type Question = Pick<FeatureFrame, 'task' | 'classes'>;

/** Row-major answers `[n, width]` of a model whose own classes may be in another order. */
export type Answers = { readonly data: Float32Array; readonly width: number; readonly classes: readonly string[] };

/** A probability may leave [0, 1] by a rounding of float32. */
const slack = 1e-5;

const wrong = (message: string, details: Readonly<Record<string, unknown>> = {}): PerennialError =>
  new PerennialError('PRN_EVALUATION', message, { details });

/** Numbers a row that a model may answer with. */
const widthsFor = ({ task, classes }: Question): readonly number[] => {
  if (task === 'regression') return [1];
  return task === 'binary' ? [1, 2] : [classes.length];
};

/** Finite, of the right width, and probabilities where classes are asked for. `who` names the model. Throws PRN_EVALUATION. */
const checkAnswers = (question: Question, answers: Answers, who: string): void => {
  const own = { task: question.task, classes: answers.classes };
  const widths = widthsFor(own as Question);
  if (!widths.includes(answers.width)) {
    throw wrong(`Cannot score ${who} as it must answer ${widths.join(' or ')} numbers a row: it answers ${answers.width}`);
  }
  const isWrong =
    question.task === 'regression'
      ? (value: number) => !Number.isFinite(value)
      : (value: number) => !(value >= -slack && value <= 1 + slack);
  const at = answers.data.findIndex(isWrong);
  if (at < 0) return;
  const [row, output] = [Math.floor(at / answers.width), at % answers.width];
  const form = question.task === 'regression' ? 'finite' : 'a probability';
  throw wrong(`Cannot score ${who} as each answer must be ${form}: row ${row}, output ${output} is ${answers.data[at]}`, {
    row,
    output,
  });
};

/**
 * Answers as metrics take them: the probability of the frame's second class, of every class in the frame's order, or the
 * value. A probability that a rounding took out of [0, 1] is put back, for calibration refuses any other. A class that
 * the model does not know has probability 0. Throws PRN_EVALUATION naming row and output.
 */
export const toScored = (question: Question, labels: Float32Array, answers: Answers, who: string): Scored => {
  checkAnswers(question, answers, who);
  const { task, classes } = question;
  if (task === 'regression') return { task, classes: 0, labels, answers: answers.data };
  if (task === 'binary') return { task, classes: 2, labels, answers: positiveColumn(question, answers, who) };
  return { task, classes: classes.length, labels, answers: alignedColumns(classes, answers) };
};

const asProbability = (value: number): number => Math.min(1, Math.max(0, value));

const positiveColumn = ({ classes }: Question, answers: Answers, who: string): Float32Array => {
  const [negative, positive] = classes as [string, string];
  const column = answers.classes.indexOf(positive);
  if (column < 0 || !answers.classes.includes(negative)) {
    throw wrong(`Cannot score ${who} as its classes must be ${classes.join(', ')}: they are ${answers.classes.join(', ')}`);
  }
  const { data, width } = answers;
  if (width === 1) return data.map((probability) => asProbability(column === 1 ? probability : 1 - probability));
  return Float32Array.from({ length: data.length / 2 }, (_, row) => asProbability(data[row * 2 + column] as number));
};

const alignedColumns = (classes: readonly string[], answers: Answers): Float32Array => {
  const columns = classes.map((name) => answers.classes.indexOf(name));
  const rows = answers.data.length / answers.width;
  const aligned = new Float32Array(rows * classes.length);
  for (let row = 0; row < rows; row++) {
    columns.forEach((column, k) => {
      if (column >= 0) aligned[row * classes.length + k] = asProbability(answers.data[row * answers.width + column] as number);
    });
  }
  return aligned;
};
