import { z } from 'zod';

/** Evidence against is "fail"; neither is "inconclusive"; "error" means that we could not look. */
export const verdictOutcomes = ['pass', 'fail', 'inconclusive', 'error'] as const;
export const verdictOutcomeSchema = z.enum(verdictOutcomes);
export type VerdictOutcome = z.infer<typeof verdictOutcomeSchema>;

/** A comparison as it was made: `left operator right`, with what each side is. Numbers are finite. */
export const inequalitySchema = z.strictObject({
  what: z.string().describe('What is compared, such as "roc_auc, candidate minus champion, lower 95% bound"'),
  left: z.number(),
  operator: z.enum(['<', '<=', '>', '>=', '=']),
  right: z.number(),
  holds: z.boolean(),
});
export type Inequality = z.infer<typeof inequalitySchema>;

export const verdictSchema = z.strictObject({
  outcome: verdictOutcomeSchema,
  reason: z.string().min(1).describe('One sentence that contains the inequality with its numbers'),
  inequalities: z.array(inequalitySchema),
  evidenceIds: z.array(z.string()),
});
export type Verdict = z.infer<typeof verdictSchema>;

/** How a run ends. `held` waits for a person. */
export const runOutcomes = ['promoted', 'rejected', 'inconclusive', 'held', 'failed'] as const;
export const runOutcomeSchema = z.enum(runOutcomes);
export type RunOutcome = z.infer<typeof runOutcomeSchema>;
