import { z } from 'zod';
import { noticeEvents } from '../notice-events.ts';
import { pipelineNameSchema } from './ids.ts';

export const noticeEventSchema = z.enum(noticeEvents);

/** Something that a person should know. Sent to every address of the pipeline's `notify` that asked for the event. */
export const noticeSchema = z.strictObject({
  key: z.string().min(1).max(400).describe('The same notice again is the same: workflow id and what happened'),
  pipeline: pipelineNameSchema,
  event: noticeEventSchema,
  text: z.string().min(1).max(2_000).describe('What happened and why, with its numbers, in sentences'),
  link: z.string().nullable().describe('Path below the control server, such as /runs/0123456789abcdef'),
});
export type Notice = z.infer<typeof noticeSchema>;
