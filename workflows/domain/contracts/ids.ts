import { z } from 'zod';
import type { Instant, PipelineName, RunKey, Sha256, VersionNumber } from '../units.ts';

/** Brands a schema's output without a transform, so that its JSON Schema stays that of the plain value. */
const branded = <Branded extends Plain, Plain>(schema: z.ZodType<Plain, Plain>): z.ZodType<Branded, Plain> =>
  schema as unknown as z.ZodType<Branded, Plain>;

export const sha256Schema = branded<Sha256, string>(
  z.string().regex(/^[0-9a-f]{64}$/, 'must be 64 lower-case hexadecimal digits'),
);
export const instantSchema = branded<Instant, string>(z.iso.datetime({ precision: 3 }));
export const runKeySchema = branded<RunKey, string>(z.string().regex(/^[0-9a-f]{16}$/));
export const versionNumberSchema = branded<VersionNumber, number>(z.int().positive());

/** Names become parts of ids, table values and URLs, never of file paths. */
export const nameSchema = z
  .string()
  .regex(/^[a-z0-9][a-z0-9._-]{0,62}$/, 'must be lower-case letters, digits, ".", "_" or "-", at most 63')
  .refine((name) => !name.includes('..'), 'must not contain ".."');
export const pipelineNameSchema = branded<PipelineName, string>(nameSchema);

/** A column or feature name as SQL and JSON may carry it; quoting is the writer's duty. */
export const columnNameSchema = z.string().min(1).max(128);
