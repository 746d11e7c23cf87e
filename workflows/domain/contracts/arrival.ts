import { z } from 'zod';

const text = z.string().max(500);

/** Something that happened outside and that a watch is told of: what a delivery carries until Temporal has taken it. */
export const arrivalSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('alert'),
    text: text.describe('What the sender says of it, for people'),
    asksForRetrain: z.boolean().describe('False for what was resolved or is only to be known'),
  }),
  z.strictObject({ kind: z.literal('data arrived'), text }),
  z.strictObject({
    kind: z.literal('labels arrived'),
    rows: z.int().nonnegative().describe('0 where the sender did not count them'),
  }),
]);
export type Arrival = z.infer<typeof arrivalSchema>;
