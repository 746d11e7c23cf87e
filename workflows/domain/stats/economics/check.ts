/** Refuses what cannot be an amount: `what` names it in the sentence. */
export const checkAmount = (doing: string, what: string, value: number): void => {
  if (!(value >= 0 && value < Number.POSITIVE_INFINITY)) {
    throw new RangeError(`Cannot ${doing} as ${what} must be finite and at least 0: it is ${value}`);
  }
};

/** The same where zero has no answer. */
export const checkPositiveAmount = (doing: string, what: string, value: number): void => {
  if (!(value > 0 && value < Number.POSITIVE_INFINITY)) {
    throw new RangeError(`Cannot ${doing} as ${what} must be finite and above 0: it is ${value}`);
  }
};
