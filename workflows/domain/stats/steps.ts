/**
 * A computation that pauses now and then, so that its caller can beat a heart, hear of a cancellation or do nothing at all.
 * What it computes does not depend on what happens in the pauses.
 */
export type Steps<Result> = Generator<void, Result, void>;

/** Runs a computation to its end without a pause. */
export const finish = <Result>(steps: Steps<Result>): Result => {
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
};
