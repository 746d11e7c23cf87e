import type { ModelPackage } from '#domain/contracts/model-version.ts';
import { PerennialError } from '#domain/errors.ts';

/** What is answered about one row. `probability` is that of the positive class, or with more classes of the predicted one. */
export type Answer = {
  readonly prediction: boolean | string | number;
  readonly probability?: number;
  readonly probabilities?: Readonly<Record<string, number>>;
};

/** How many numbers a row the task allows: two classes may come as both probabilities, or as the positive one alone. */
export const answerWidths = (modelPackage: Pick<ModelPackage, 'task' | 'classes'>): readonly number[] => {
  if (modelPackage.task === 'regression') return [1];
  return modelPackage.task === 'binary' ? [2, 1] : [modelPackage.classes.length];
};

/** Turns a model's numbers for one row into the answer. Throws PRN_SERVING_ANSWER where one is not finite. */
export const answerOf = (
  modelPackage: Pick<ModelPackage, 'task' | 'classes' | 'positiveClass' | 'threshold'>,
  outputs: Float32Array,
): Answer => {
  const wrong = outputs.findIndex((value) => !Number.isFinite(value));
  if (wrong >= 0) {
    throw new PerennialError(
      'PRN_SERVING_ANSWER',
      `Cannot answer as output ${wrong} of the model must be a finite number: it is ${outputs[wrong]}`,
    );
  }
  if (modelPackage.task === 'regression') return { prediction: outputs[0] as number };
  return modelPackage.task === 'binary' ? binaryAnswer(modelPackage, outputs) : multiclassAnswer(modelPackage.classes, outputs);
};

const binaryAnswer = (
  { classes, positiveClass, threshold }: Pick<ModelPackage, 'classes' | 'positiveClass' | 'threshold'>,
  outputs: Float32Array,
): Answer => {
  const positive = positiveClass ?? (classes[1] as string);
  const negative = classes.find((name) => name !== positive) ?? 'false';
  const position = outputs.length === 1 ? 0 : classes.indexOf(positive);
  const probability = outputs[position] as number;
  const name = probability >= threshold ? positive : negative;
  return { prediction: isBoolean(classes) ? name === 'true' : name, probability };
};

const isBoolean = (classes: readonly string[]): boolean =>
  classes.length === 2 && classes.includes('true') && classes.includes('false');

/** The first of several equal ones wins, so that the answer does not hang on the order of evaluation. */
const multiclassAnswer = (classes: readonly string[], outputs: Float32Array): Answer => {
  let best = 0;
  for (let index = 1; index < outputs.length; index += 1) {
    if ((outputs[index] as number) > (outputs[best] as number)) best = index;
  }
  // Without a prototype: a class may be called "__proto__".
  const probabilities: Record<string, number> = Object.assign(Object.create(null), {});
  classes.forEach((name, index) => {
    probabilities[name] = outputs[index] as number;
  });
  return { prediction: classes[best] as string, probability: outputs[best] as number, probabilities };
};
