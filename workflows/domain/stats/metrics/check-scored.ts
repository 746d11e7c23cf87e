import type { Scored } from './scored.ts';

/** Models answer in single precision, whose sums may leave [0, 1] by as much. */
const slack = 1e-5;
/** Squares of larger numbers, squared and summed, would not be numbers any more. */
const largest = 1e70;

/**
 * Throws RangeError unless labels and answers are what their task asks for: classes that exist, probabilities in [0, 1]
 * (but for 1e-5), values of at most 1e70 in size, and as many answers as rows need. No rows are right.
 *
 * Without it a label of another class, or a probability that is NaN, would count as class 0 without a sound.
 *
 * Source: the definition of `Scored`.
 */
export const checkScored = ({ task, classes, labels, answers }: Scored): void => {
  const width = task === 'multiclass' ? classes : 1;
  if (answers.length !== labels.length * width) {
    throw new RangeError(
      `Cannot measure answers as there must be ${width} for each of ${labels.length} rows: there are ${answers.length}`,
    );
  }
  const isValue = (value: number): boolean => Math.abs(value) <= largest;
  const isClass = (label: number): boolean => Number.isInteger(label) && label >= 0 && label < classes;
  const isProbability = (answer: number): boolean => answer >= -slack && answer <= 1 + slack;
  const [isLabel, isAnswer] = task === 'regression' ? [isValue, isValue] : [isClass, isProbability];
  const value = `a number of at most ${largest}`;
  checkEach('label', labels, isLabel, task === 'regression' ? value : `a class from 0 to ${classes - 1}`);
  checkEach('answer', answers, isAnswer, task === 'regression' ? value : 'a probability in [0, 1]');
};

const checkEach = (what: string, values: Scored['labels'], isRight: (value: number) => boolean, wanted: string): void => {
  for (let place = 0; place < values.length; place++) {
    if (isRight(values[place] as number)) continue;
    throw new RangeError(`Cannot measure answers as ${what} ${place} must be ${wanted}: it is ${values[place]}`);
  }
};
