import { betaLowerQuantile } from '../special/beta.ts';

/** TEMPORARY until two-sample has it. */
export const clopperPearson = (
  { count, rows }: { count: number; rows: number },
  confidence: number,
): { lower: number } | null => {
  if (rows === 0) return null;
  return { lower: count === 0 ? 0 : betaLowerQuantile((1 - confidence) / 2, count, rows - count + 1) };
};
