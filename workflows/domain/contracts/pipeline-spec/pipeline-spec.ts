import { z } from 'zod';
import { pipelineNameSchema } from '../ids.ts';
import { dataSchema } from './data.ts';
import { featuresSchema } from './features.ts';
import { unknownGateColumns } from './gate-columns.ts';
import { notifySchema, retentionSchema, retrainSchema, rolloutSchema, serveSchema, watchSchema } from './operation.ts';
import { gateSchema, trainingSchema } from './training.ts';

/**
 * What a user declares in `pipeline.yaml`. The input type is the file as written; the output type has every
 * default filled in, durations in milliseconds and shares in [0, 1], and is what gets a digest.
 */
export const pipelineSpecSchema = z
  .strictObject({
    name: pipelineNameSchema,
    description: z.string().optional(),
    owner: z.string().optional(),
    data: dataSchema,
    features: featuresSchema.prefault({}),
    training: trainingSchema.prefault({}),
    gate: gateSchema.prefault({}),
    rollout: rolloutSchema.prefault({}),
    watch: watchSchema.prefault({}),
    retrain: retrainSchema.prefault({}),
    serve: serveSchema.prefault({}),
    notify: notifySchema,
    retention: retentionSchema,
  })
  .refine(({ data, gate }) => data.event_time !== undefined || !(gate.cluster === 'day' || gate.cluster === 'hour'), {
    path: ['gate', 'cluster'],
    message: 'must have data.event_time, which is not declared: list columns that name what belongs together, or say none',
  })
  .superRefine((spec, context) => {
    for (const { known, ...issue } of unknownGateColumns(spec)) context.addIssue({ code: 'custom', ...issue, params: { known } });
  });

/** A pipeline with every default filled in; JSON-safe. */
export type PipelineSpec = z.output<typeof pipelineSpecSchema>;
/** A pipeline as its file says it. */
export type PipelineFile = z.input<typeof pipelineSpecSchema>;
