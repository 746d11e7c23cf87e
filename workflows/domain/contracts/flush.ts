import { z } from 'zod';
import { sha256Schema } from './ids.ts';
import { windowCountsSchema } from './reference-profile.ts';

/** What one server has counted for one window since its epoch began; the profile is named once, by the flush. */
export const windowTallySchema = windowCountsSchema.omit({ profileSha256: true });
export type WindowTally = z.infer<typeof windowTallySchema>;

/**
 * What a server sends of its counters. They are cumulative over its epoch, never a difference, so that a flush may be
 * repeated, overtaken or lost: the highest sequence is what holds. A window may be left out once a flush that held its
 * last count was acknowledged.
 */
export const flushSchema = z.strictObject({
  format: z.literal(1),
  serverId: z.string().min(1).max(200),
  arm: z.string().min(1).max(64).describe('The arm that answered; a server that changes arms counts each apart'),
  modelSha256: sha256Schema,
  profileSha256: sha256Schema.describe('The reference profile whose cells were counted into'),
  epoch: z.string().min(1).max(64).describe('One life of the server process; a new process takes a name never used before'),
  sequence: z.int().positive().describe('Grows by one with every flush of an epoch'),
  windows: z.array(windowTallySchema),
});
export type Flush = z.infer<typeof flushSchema>;
