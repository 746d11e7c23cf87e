/** Window minus reference, in the direction of the metric, with one-sided bounds. */
export type Change = {
  readonly estimate: number;
  readonly lower: number;
  readonly upper: number;
  readonly standardError: number;
  readonly method: string;
};

/** Why there is no change to be had. */
export type Missing = { readonly reason: string };

/** A metric of the reference, with its deviation per row. */
export type Known = { readonly value: number; readonly deviation: number; readonly rows: number };

export const errorOf = ({ deviation, rows }: Known): number => deviation / Math.sqrt(rows);

export const around = (estimate: number, reach: number) => ({ estimate, lower: estimate - reach, upper: estimate + reach });
