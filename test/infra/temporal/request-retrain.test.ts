import { type Client, WorkflowNotFoundError } from '@temporalio/client';
import { describe, expect, it } from 'vitest';
import { createWatchTemporal } from '../../../infra/temporal/request-retrain.ts';

/** Answers as Temporal does of a workflow in each state; the test server cannot pause one. */
const clientThatSays = (name: string): Client =>
  ({ workflow: { getHandle: () => ({ describe: async () => ({ status: { name } }) }) } }) as unknown as Client;

describe('isOpen()', () => {
  it.each([
    ['RUNNING', true],
    ['PAUSED', true],
    ['COMPLETED', false],
    ['FAILED', false],
    ['CANCELLED', false],
    ['TERMINATED', false],
    ['TIMED_OUT', false],
  ])('of a workflow that is %s is %s', async (name, isOpen) => {
    expect(await createWatchTemporal(clientThatSays(name)).isOpen('retrain/flights/1')).toBe(isOpen);
  });

  it('is false of one that nobody knows, and throws where nobody can tell', async () => {
    const failing = (error: Error) =>
      ({ workflow: { getHandle: () => ({ describe: () => Promise.reject(error) }) } }) as unknown as Client;
    const gone = new WorkflowNotFoundError('gone', 'retrain/flights/1', undefined);
    expect(await createWatchTemporal(failing(gone)).isOpen('retrain/flights/1')).toBe(false);
    await expect(createWatchTemporal(failing(new Error('away'))).isOpen('retrain/flights/1')).rejects.toThrow('away');
  });
});
