/** An interval of a gain: all that verdicts on it look at are its bounds. */
import type { Evidence } from '#domain/contracts/evidence.ts';

export const gain = (lower: number, upper: number) =>
  ({
    id: 'g',
    what: 'gain in roc_auc',
    kind: 'interval',
    estimate: 0,
    lower,
    upper,
    confidence: 0.95,
    sides: 'two',
    standardError: 1,
    method: 'm',
    rows: 9,
  }) as const satisfies Evidence;
