import { z } from 'zod';
import type { Arrival } from '#domain/contracts/arrival.ts';
import { cutText, parseBody } from './delivery.ts';

const bodySchema = z.strictObject({
  type: z.enum(['data arrived', 'labels arrived', 'alert']),
  text: z.string().max(10_000).optional(),
  rows: z.int().nonnegative().optional(),
});

/** Throws PRN_INPUT_INVALID naming the field. */
export const readEvent = (bytes: Uint8Array): Arrival => {
  const { type, text = '', rows = 0 } = parseBody(bodySchema, bytes, 'an event');
  if (type === 'labels arrived') return { kind: type, rows };
  if (type === 'data arrived') return { kind: type, text: cutText(text) };
  return { kind: type, text: cutText(text || 'alert'), asksForRetrain: true };
};
