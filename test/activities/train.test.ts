import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { trainingResultSchema } from '#domain/contracts/training-job.ts';
import { errorRegistry, PerennialError } from '#domain/errors.ts';
import { createTrain } from '../../activities/train.ts';
import { objectKeys } from '../../infra/objects/keys.ts';
import { openSession } from '../../infra/onnx/session.ts';
import { identify } from '../../infra/state/processes.ts';
import type { TrainSummary } from '../../workflows/steps.ts';
import { postgresMissing, requirePostgres } from '../support/servers.ts';
import { contextWith, openTrainingBench, type TrainingBench } from './support/training-bench.ts';

/** Runs through all its iterations and saves often, so that there is time to interfere. */
const slowly = (l2: number) => ({ l2, tolerance: 0, max_iterations: 25, checkpoint_every: 5 });

describe('trainCandidate', () => {
  let bench: TrainingBench;
  let train: ReturnType<typeof createTrain>;
  beforeAll(async () => {
    if (postgresMissing() !== null) return;
    bench = await openTrainingBench(60_000, 20);
    train = createTrain(bench.deps);
  });
  beforeEach(requirePostgres);
  afterAll(() => bench?.close());

  const ledgerSize = async (): Promise<number> => {
    const row = await bench.db
      .selectFrom('step_results')
      .select((e) => e.fn.countAll().as('n'))
      .executeTakeFirstOrThrow();
    return Number(row.n);
  };
  const failureOf = async (work: Promise<unknown>): Promise<PerennialError> => {
    const error = await work.then(
      () => null,
      (thrown: unknown) => thrown,
    );
    expect(error).toBeInstanceOf(PerennialError);
    return error as PerennialError;
  };

  it('trains once for a training key, however often it is asked', async () => {
    const input = await bench.inputFor('reference');
    const before = await ledgerSize();
    const beats: number[] = [];
    const first = await train(
      input,
      contextWith(({ step }) => beats.push(step)),
    );
    const again = await train(
      input,
      contextWith(() => expect.fail('the second call must not train')),
    );
    expect(again).toEqual(first);
    expect(beats.length).toBeGreaterThan(2);
    expect(await ledgerSize()).toBe(before + 1);
    expect(await bench.scratchIsEmpty()).toBe(true);
    expect(await bench.checkpoints()).toEqual([]);
  });

  it('stores a result whose model answers as the trainer says, and records its metrics by step', async () => {
    const summary = await train(await bench.inputFor('reference'));
    const result = trainingResultSchema.parse(await bench.content.getJson(summary.resultSha256));
    expect(result).toMatchObject({ trainingKey: summary.trainingKey, trainer: 'reference', onnxSha256: summary.onnxSha256 });
    const session = await openSession(await bench.content.getBytes(summary.onnxSha256));
    expect([session.inputWidth, session.outputWidth]).toEqual([20, 2]);
    await session.release();
    const points = (await bench.runs.metrics(bench.runKey)).filter((point) => point.name === 'train_loss');
    expect(points.length).toBeGreaterThan(2);
    expect(points.at(-1)?.value).toBeCloseTo(result.metrics.train_loss as number, 12);
  });

  it('leaves one result when two attempts of the same key run at the same time', async () => {
    const input = await bench.inputFor('reference', { l2: 0.01 });
    const before = await ledgerSize();
    const [one, other] = await Promise.all([train(input), train(input)]);
    expect(other).toEqual(one);
    expect(await ledgerSize()).toBe(before + 1);
    expect(await bench.checkpoints()).toEqual([]);
  });

  it('makes the same objects again when garbage collection took the model', async () => {
    const input = await bench.inputFor('reference', { l2: 0.02 });
    const first = await train(input);
    await bench.store.delete(objectKeys.content(first.onnxSha256));
    expect(await train(input)).toEqual(first);
    expect(await bench.content.has(first.onnxSha256)).toBe(true);
  });

  it('has another training key for other parameters, and the same for another number of threads', async () => {
    const key = async (parameters: object, threads = 1) =>
      (await createTrain({ ...bench.deps, threads })(await bench.inputFor('reference', parameters))).trainingKey;
    expect(await key({ l2: 0.03 })).not.toBe(await key({ l2: 0.04 }));
    expect(await key({ l2: 0.03 }, 2)).toBe(await key({ l2: 0.03 }));
  });

  /** Interferes once, when a step beyond the first checkpoint is reported. */
  const onceAt = (step: number, act: (abort: (reason: unknown) => void) => void) => {
    let isDone = false;
    return contextWith((beat, abort) => {
      if (isDone || beat.step < step) return;
      isDone = true;
      act(abort);
    });
  };
  const firstStepOf = async (input: Parameters<typeof train>[0]): Promise<[number, TrainSummary]> => {
    const steps: number[] = [];
    const summary = await train(
      input,
      contextWith(({ step }) => steps.push(step)),
    );
    return [steps[0] as number, summary];
  };

  it('goes on from the checkpoint when the trainer is killed, and ends with the same model', async () => {
    const input = await bench.inputFor('reference', slowly(0.001));
    const undisturbed = await train(input);
    await bench.db.deleteFrom('step_results').where('key', '=', undisturbed.trainingKey).execute();
    const kill = (): void => {
      for (const pid of bench.trainerPids()) process.kill(pid, 'SIGKILL');
    };
    const error = await failureOf(train(input, onceAt(6, kill)));
    expect(error.code).toBe('PRN_TRAINER_CRASHED');
    expect(errorRegistry[error.code].retry).toBe('retry');
    expect(error.message).toMatch(/must end by itself: it was killed \(signal SIGKILL/);
    expect(error.details).toMatchObject({ ending: 'killed', signal: 'SIGKILL', forced: false, cancelled: false });
    expect(await bench.checkpoints()).toEqual([undisturbed.trainingKey]);
    const [firstStep, resumed] = await firstStepOf(input);
    expect(firstStep).toBeGreaterThanOrEqual(6);
    expect(resumed.onnxSha256).toBe(undisturbed.onnxSha256);
    expect(await bench.checkpoints()).toEqual([]);
  });

  it('passes a cancellation on to the trainer and back to who asked, and keeps the checkpoint', async () => {
    const input = await bench.inputFor('reference', slowly(0.002));
    const reason = new Error('the run was cancelled');
    let pids: number[] = [];
    const cancel = (abort: (reason: unknown) => void): void => {
      pids = bench.trainerPids();
      abort(reason);
    };
    const before = await ledgerSize();
    await expect(train(input, onceAt(3, cancel))).rejects.toBe(reason);
    expect(pids).toHaveLength(1);
    expect(identify(pids[0] as number)).toBeNull();
    expect(await ledgerSize()).toBe(before);
    expect(await bench.scratchIsEmpty()).toBe(true);
    const [key] = await bench.checkpoints();
    expect(await readdir(join(bench.deps.checkpointRoot, key as string, 'checkpoints'))).toEqual(['reference.json']);
    const [firstStep] = await firstStepOf(input);
    expect(firstStep).toBeGreaterThan(3);
  });

  it.each([
    ['exits-at-once', 'PRN_TRAINER_CRASHED', /no such column "tenure"/],
    ['temporary-trouble', 'PRN_TRAINER_CRASHED', /the device is lost/],
    ['bad-job', 'PRN_TRAINER_BAD_JOB', /learning_rate must be above 0/],
    ['prints-garbage', 'PRN_TRAINER_BAD_RESULT', /there is no result\.json/],
    ['nan-result', 'PRN_TRAINER_BAD_RESULT', /NaN/],
    ['writes-half-a-result', 'PRN_TRAINER_BAD_RESULT', /not JSON/],
    ['lies-about-digest', 'PRN_TRAINER_BAD_RESULT', /must state the digest of the model it wrote: it states another/],
    ['heartbeats-forever', 'PRN_TRAINER_SILENT', /still running/],
    ['answers-nan', 'PRN_MODEL_REFUSED', /NaN|finite/],
  ] as const)('turns a trainer that is "%s" into %s, and registers nothing', async (fixture, code, says) => {
    const timeoutMs = fixture === 'heartbeats-forever' ? 800 : 60_000;
    const input = await bench.inputFor(await bench.ownTrainer(fixture), {}, timeoutMs);
    const before = await ledgerSize();
    const error = await failureOf(train(input));
    expect([error.code, await ledgerSize()]).toEqual([code, before]);
    expect(error.message).toMatch(says);
    expect(await bench.scratchIsEmpty()).toBe(true);
    const isFinal = errorRegistry[code].retry === 'final';
    expect((await bench.checkpoints()).length).toBe(isFinal ? 0 : 1);
    await bench.forget();
  });

  it('takes a trainer of one’s own that keeps the contract, by the folder beside the pipeline', async () => {
    const summary = await train(await bench.inputFor(await bench.ownTrainer('succeeds')));
    const result = trainingResultSchema.parse(await bench.content.getJson(summary.resultSha256));
    expect(result).toMatchObject({ trainer: 'succeeds', metrics: { loss: 0.5 } });
  });

  it.each([
    ['xgboost', /must be lightgbm, reference or a folder with a trainer\.json: there is none of this name/],
    ['./nothing-here', /holds no trainer\.json/],
  ])('refuses trainer "%s" with what there is', async (name, says) => {
    const error = await failureOf(train(await bench.inputFor(name)));
    expect(error.code).toBe('PRN_TRAINER_UNKNOWN');
    expect(error.message).toMatch(says);
  });

  it('names the parameter that the reference trainer does not know', async () => {
    const error = await failureOf(train(await bench.inputFor('reference', { num_leaves: 31 })));
    expect(error.code).toBe('PRN_TRAINER_BAD_JOB');
    expect(error.message).toMatch(/Cannot use parameter "num_leaves" as the reference trainer knows only l2, max_iterations/);
  });

  it('hands over no variable that could hold a credential', async () => {
    const launch = await bench.deps.resolveTrainer('reference', null);
    expect(Object.keys(launch.environment).filter((name) => /KEY|SECRET|TOKEN|PASSWORD|DATABASE|AWS/i.test(name))).toEqual([]);
    expect(await readFile(launch.arguments[0] as string, 'utf8')).toMatch(/reference trainer/);
  });
});
