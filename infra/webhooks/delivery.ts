/** A webhook's body as what it says, whoever sent it. */
import type { z } from 'zod';
import type { Arrival } from '#domain/contracts/arrival.ts';
import { PerennialError } from '#domain/errors.ts';
import { explainIssue } from './explain-issue.ts';

/** `labels`: not a webhook; labels in the database that were counted and wake the watch on the same way. */
export const deliverySources = ['alertmanager', 'grafana', 'events', 'labels'] as const;
export type DeliverySource = (typeof deliverySources)[number];

/** The same id from the same source is the same delivery. */
export type ReadDelivery = { readonly deliveryId: string; readonly arrival: Arrival };

const textLimit = 500;
export const cutText = (text: string): string => (text.length > textLimit ? `${text.slice(0, textLimit - 1)}…` : text);

const parseText = (bytes: Uint8Array): unknown => {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new PerennialError('PRN_INPUT_INVALID', 'Cannot read body: should be a JSON object in UTF-8', { cause });
  }
};

/** Parses bytes by a schema. Throws PRN_INPUT_INVALID naming each field that is wrong. */
export const parseBody = <Parsed>(schema: z.ZodType<Parsed>, bytes: Uint8Array, whose: string): Parsed => {
  const parsed = schema.safeParse(parseText(bytes), { error: explainIssue });
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues
    .slice(0, 10)
    .map(({ path, message }) => ({ field: path.map(String).join('.') || 'body', message }));
  const named = problems.map(({ field, message }) => `"${field}" ${message}`).join('; ');
  throw new PerennialError('PRN_INPUT_INVALID', `Cannot use body as ${whose}: ${named}`, { details: { problems } });
};
