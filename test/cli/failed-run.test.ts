/** A run that failed is told by its record; what else goes wrong while somebody waits is not taken for that. */
import { WorkflowFailedError } from '@temporalio/client';
import { ApplicationFailure, CancelledFailure, RetryState } from '@temporalio/common';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { RetrainOutcome, RetrainRequest } from '#domain/contracts/retrain.ts';
import type { RunOutcome } from '#domain/contracts/verdict.ts';
import { PerennialError } from '#domain/errors.ts';
import type { PipelineName, RunKey } from '#domain/units.ts';
import { sha256Of } from '../../infra/objects/digest.ts';
import { createDefinitions } from '../../infra/postgres/definitions.ts';
import { openDatabase } from '../../infra/postgres/pool.ts';
import { createRuns } from '../../infra/postgres/runs.ts';
import { recordedFailure } from '../../workers/cli/failed-run.ts';
import { failureOf } from '../../workers/cli/workflow-failure.ts';
import { describeWithServers, testDatabase } from '../support/servers.ts';

const pipeline = 'churn' as PipelineName;
const definitionSha256 = sha256Of('definition');

const openWorld = async () => {
  const database = await testDatabase();
  const opened = openDatabase(database.url);
  const runs = createRuns(opened.db);
  await createDefinitions(opened.db).apply(pipeline, null, { name: pipeline }, definitionSha256, 'c0ffee', 'ada');
  const end = async (key: string, verdict: RunOutcome | null): Promise<RetrainOutcome> => {
    const runKey = key as RunKey;
    const workflowId = `retrain/churn/${runKey}`;
    const request: RetrainRequest = {
      ...{ format: 1, pipeline, runKey, definitionSha256, codeVersion: 'c0ffee', listingSha256: sha256Of('listing') },
      ...{ cutoff: null, trigger: { kind: 'ci', by: 'ada', reason: 'a test' } },
    };
    const outcome = { workflowId, runKey, pipeline, gate: null, dataVersion: null, modelVersion: null, metrics: {} };
    await runs.begin(request, workflowId);
    const ended = { ...outcome, verdict: verdict ?? 'failed', reason: 'PRN_DATA_COLUMN_MISSING: no label' } as const;
    if (verdict !== null) await runs.finish(ended);
    return ended;
  };
  const close = async (): Promise<void> => {
    await opened.close();
    await database.close();
  };
  return { runs, end, close };
};

const failed = (cause: Error): WorkflowFailedError =>
  new WorkflowFailedError('Workflow execution failed', cause, RetryState.NON_RETRYABLE_FAILURE);
const missing = ApplicationFailure.create({ type: 'PRN_DATA_COLUMN_MISSING', message: 'no label' });

describeWithServers('a run that ended without a verdict', () => {
  let world: Awaited<ReturnType<typeof openWorld>>;
  beforeAll(async () => {
    world = await openWorld();
  });
  afterAll(() => world.close());

  test('has failed, whatever code the step that stopped it has, and also where it was cancelled', async () => {
    const outcome = await world.end('00000000000000a1', 'failed');
    for (const cause of [missing, new CancelledFailure('Cancelled')])
      expect(await recordedFailure(world, outcome.runKey, failureOf(failed(cause)))).toEqual(outcome);
  });

  test('is not one that was refused before it began, still runs, or was only not reached', async () => {
    expect(await recordedFailure(world, '00000000000000b1' as RunKey, failureOf(failed(missing)))).toBeNull();
    const running = await world.end('00000000000000b2', null);
    expect(await recordedFailure(world, running.runKey, failureOf(failed(missing)))).toBeNull();
    const ended = await world.end('00000000000000b3', 'failed');
    const away = new PerennialError('PRN_UNREACHABLE', 'Temporal does not answer');
    expect(await recordedFailure(world, ended.runKey, away)).toBeNull();
  });
});
