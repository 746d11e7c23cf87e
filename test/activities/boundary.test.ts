import { ApplicationFailure, CancelledFailure } from '@temporalio/common';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { describe, expect, test } from 'vitest';
import { PerennialError } from '#domain/errors.ts';
import { createBoundary, toApplicationFailure } from '../../activities/boundary.ts';
import type { StepContext } from '../../activities/step-context.ts';

const boundary = createBoundary();
const logger = new DefaultLogger('ERROR');
const throwing = (error: unknown) => boundary(() => Promise.reject(error));
const thrownBy = (run: Promise<unknown>): Promise<unknown> =>
  run.then(
    () => null,
    (error: unknown) => error,
  );
const inAttempt = (attempt: number) => new MockActivityEnvironment({ attempt }, { logger });

describe('what a step throws', () => {
  test('our own error keeps its code, message, details and cause; the registry says who acts, and whether to retry', async () => {
    const cause = new Error('line 3: unterminated quote');
    const error = new PerennialError('PRN_SOURCE_UNREADABLE', 'Cannot read "a.csv"', { cause, details: { file: 'a.csv' } });
    const thrown = await thrownBy(inAttempt(1).run(throwing(error), null));
    expect(thrown).toBeInstanceOf(ApplicationFailure);
    expect(thrown).toMatchObject({ type: 'PRN_SOURCE_UNREADABLE', message: 'Cannot read "a.csv"', nonRetryable: true, cause });
    expect((thrown as ApplicationFailure).details).toEqual([
      { code: 'PRN_SOURCE_UNREADABLE', who: 'author', action: expect.stringContaining('data.source'), file: 'a.csv' },
    ]);
  });

  test('an error nobody foresaw is retried, but not for ever', async () => {
    const error = new TypeError('x is not a function');
    expect(await thrownBy(inAttempt(1).run(throwing(error), null))).toMatchObject({
      type: 'PRN_INTERNAL',
      nonRetryable: false,
      cause: error,
    });
    expect(await thrownBy(inAttempt(7).run(throwing(error), null))).toMatchObject({ type: 'PRN_INTERNAL', nonRetryable: true });
  });

  test.each([
    Object.assign(new Error('connect'), { code: 'ECONNREFUSED' }),
    Object.assign(new Error('terminating connection due to administrator command'), { code: '57P01' }),
    new Error('the query failed', { cause: Object.assign(new Error('read'), { code: 'ECONNRESET' }) }),
  ])('a server that is away is no reason to give up: $message', (error) => {
    expect(toApplicationFailure(error, 1000)).toMatchObject({ type: 'PRN_UNREACHABLE', nonRetryable: false });
  });

  test.each([
    ['PRN_TRAINER_CRASHED', 3],
    ['PRN_TRAINER_SILENT', 2],
    ['PRN_TRAINER_ENVIRONMENT', 5],
    ['PRN_INTERNAL', 7],
  ] as const)('%s is final from attempt %i', (code, attempt) => {
    const error = new PerennialError(code, 'Cannot train');
    expect(toApplicationFailure(error, attempt - 1).nonRetryable).toBe(false);
    expect(toApplicationFailure(error, attempt).nonRetryable).toBe(true);
  });

  test('what is no error at all still gets a code', () => {
    expect(toApplicationFailure('just a text')).toMatchObject({ type: 'PRN_INTERNAL', message: 'just a text' });
  });

  test('an application failure passes as it is', async () => {
    const failure = ApplicationFailure.retryable('again', 'Theirs');
    expect(await thrownBy(inAttempt(1).run(throwing(failure), null))).toBe(failure);
  });
});

describe('cancellation', () => {
  const untilAborted = (_input: null, { signal }: StepContext): Promise<never> =>
    new Promise((_resolve, reject) => {
      signal.addEventListener('abort', () => reject(new Error('INTERRUPT Error: interrupted!')));
    });

  test('reaches the step as its signal, and leaves as itself whatever the step made of it', async () => {
    const environment = inAttempt(1);
    const running = thrownBy(environment.run(boundary(untilAborted), null));
    environment.cancel('CANCELLED');
    expect(await running).toBeInstanceOf(CancelledFailure);
  });

  test('of a worker that shuts down leaves as itself too, so that another worker takes over', async () => {
    const environment = inAttempt(1);
    const running = thrownBy(environment.run(boundary(untilAborted), null));
    environment.cancel('WORKER_SHUTDOWN');
    expect(await running).toMatchObject({ message: 'WORKER_SHUTDOWN' });
  });
});

describe('heartbeats', () => {
  const beatsOf = (info: ConstructorParameters<typeof MockActivityEnvironment>[0]) => {
    const environment = new MockActivityEnvironment(info, { logger });
    const beats: unknown[] = [];
    environment.on('heartbeat', (detail: unknown) => beats.push(detail));
    return { environment, beats };
  };

  test("go on by themselves, with the step's newest detail", async () => {
    const { environment, beats } = beatsOf({ heartbeatTimeoutMs: 60 });
    const step = boundary(async (_input: null, context) => {
      context.heartbeat({ step: 7 });
      await expect.poll(() => beats.length, { interval: 5 }).toBeGreaterThan(3);
    });
    await environment.run(step, null);
    expect(new Set(beats.map((beat) => JSON.stringify(beat)))).toEqual(new Set(['{"step":7}']));
  });

  test('begin with what an earlier attempt said last, so that it is not lost', async () => {
    const { environment, beats } = beatsOf({ heartbeatTimeoutMs: 60, heartbeatDetails: { step: 3 } });
    await environment.run(
      boundary(() => expect.poll(() => beats.length, { interval: 5 }).toBeGreaterThan(0)),
      null,
    );
    expect(beats[0]).toEqual({ step: 3 });
  });

  test('are not sent by a step that is not asked for them', async () => {
    const { environment, beats } = beatsOf({ heartbeatTimeoutMs: undefined as never });
    await environment.run(
      boundary(async (_input: null, context) => context.heartbeat(1)),
      null,
    );
    expect(beats).toEqual([]);
  });
});
