/** Contracts survive the wire: every example is parsed, sent through Temporal's own converter, and equal afterwards. */
import { defaultPayloadConverter } from '@temporalio/common';
import { describe, expect, it } from 'vitest';
import type { z } from 'zod';
import * as dataset from '#domain/contracts/dataset.ts';
import * as evidence from '#domain/contracts/evidence.ts';
import * as modelVersion from '#domain/contracts/model-version.ts';
import * as retrain from '#domain/contracts/retrain.ts';
import * as rollout from '#domain/contracts/rollout.ts';
import * as trainingJob from '#domain/contracts/training-job.ts';
import * as verdict from '#domain/contracts/verdict.ts';
import { examples } from './examples.ts';

const schemas: Readonly<Record<string, unknown>> = {
  ...dataset,
  ...evidence,
  ...modelVersion,
  ...retrain,
  ...rollout,
  ...trainingJob,
  ...verdict,
};
const payloadLimitBytes = 65_536;

describe('contracts', () => {
  it.each(Object.entries(examples))('%s is the same after the wire', (name, example) => {
    const schema = schemas[name] as z.ZodType;
    const parsed: unknown = schema.parse(example);
    expect(parsed).toEqual(example);
    const payload = defaultPayloadConverter.toPayload(parsed);
    expect(defaultPayloadConverter.fromPayload(payload)).toEqual(parsed);
    expect(payload.data?.length ?? 0).toBeLessThan(payloadLimitBytes);
  });

  it.each(Object.entries(examples))('%s refuses a field that it does not know', (name, example) => {
    expect((schemas[name] as z.ZodType).safeParse({ ...(example as object), surprise: 1 }).success).toBe(false);
  });

  it('loses nothing to the wire, unlike a Map', () => {
    const payload = defaultPayloadConverter.toPayload(new Map([['a', 1]]));
    expect(defaultPayloadConverter.fromPayload(payload)).not.toEqual(new Map([['a', 1]]));
  });
});
