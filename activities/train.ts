import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { featureFrameSchema } from '#domain/contracts/feature-set.ts';
import { errorRegistry, PerennialError } from '#domain/errors.ts';
import { dayMs, minuteMs, secondMs } from '#domain/units.ts';
import { hasAttempts } from '../infra/trainer/attempts.ts';
import { runTrainer } from '../infra/trainer/run.ts';
import type { TrainInput, TrainSummary } from '../workflows/steps.ts';
import type { GpuDeps } from './deps.ts';
import { readSpec } from './ingest.ts';
import type { StepContext } from './step-context.ts';
import { jobOf, layOutJob, type Training, trainingKeyOf } from './training/job.ts';
import { createTrainingMetrics } from './training/metrics.ts';
import { admitOutput, keepOutput, outputOf } from './training/output.ts';

/** A trainer that loads a large matrix says nothing for a while; one that hangs holds a device for this long. */
const silenceMs = 15 * minuteMs;
/** Time to save a checkpoint. Machines that are taken away give two minutes; a person who cancels waits for the same. */
const killDelayMs = 60 * secondMs;
/** A run that nobody took up again for this long will not be: its checkpoints only fill the disk. */
const forgottenAfterMs = 30 * dayMs;

const prepare = async (deps: GpuDeps, input: TrainInput): Promise<Training> => {
  const spec = await readSpec(deps, input);
  const definition = await deps.definitions.find(input.definitionSha256);
  const frame = featureFrameSchema.parse(await deps.content.getJson(input.frameSha256));
  const launch = await deps.resolveTrainer(spec.training.trainer, definition?.folder ?? null);
  const key = trainingKeyOf(input, frame, spec, launch);
  return { input, frame, spec, launch, key, keyFolder: join(deps.checkpointRoot, key) };
};

/** One attempt in a folder of its own. Whoever cancels it gets that cancellation back, and not an error of the trainer. */
const attempt = (deps: GpuDeps, training: Training, known: TrainSummary | null, context?: StepContext): Promise<TrainSummary> =>
  deps.scratch.withFolder('train', async (folder) => {
    const { input, launch, keyFolder } = training;
    await layOutJob(deps, training, folder);
    const metrics = createTrainingMetrics(deps.runs, input.runKey, context);
    const end = await runTrainer(launch, folder, {
      job: jobOf(training, deps.threads),
      keyFolder,
      timeoutMs: input.timeoutMs,
      silenceMs: Math.min(silenceMs, input.timeoutMs),
      killDelayMs,
      onEvent: metrics.take,
      ...(context === undefined ? {} : { signal: context.signal }),
    }).finally(metrics.stop);
    await metrics.end(end);
    context?.signal.throwIfAborted();
    const output = outputOf(end);
    await admitOutput(training, output, join(folder, 'features.npy'), context?.signal);
    return keepOutput(deps, training, output, known?.durationMs ?? end.durationMs);
  });

const isFinal = (error: unknown): boolean => error instanceof PerennialError && errorRegistry[error.code].retry === 'final';

/** Checkpoints have served when the training is done or cannot be done, unless another attempt is still at it. */
const forgetCheckpoints = async (keyFolder: string): Promise<void> => {
  if (!(await hasAttempts(keyFolder))) await rm(keyFolder, { recursive: true, force: true });
};

const removeForgotten = async (root: string): Promise<void> => {
  for (const name of await readdir(root).catch(() => [])) {
    const found = await stat(join(root, name)).catch(() => null);
    if (found !== null && Date.now() - found.mtimeMs > forgottenAfterMs) await forgetCheckpoints(join(root, name));
  }
};

/** A recorded result counts while both its objects are in the store: garbage collection may have taken them. */
const isWhole = async (deps: GpuDeps, found: TrainSummary): Promise<boolean> =>
  (await deps.content.has(found.resultSha256)) && (await deps.content.has(found.onnxSha256));

/**
 * The step `trainCandidate`; see the port. Its key is the training key: frame, trainer, parameters, seed. Heartbeats with the
 * trainer's step and total. May run as long as the pipeline allows; every ending of a trainer is one code of the registry.
 */
export const createTrain =
  (deps: GpuDeps) =>
  async (input: TrainInput, context?: StepContext): Promise<TrainSummary> => {
    const training = await prepare(deps, input);
    const found = (await deps.ledger.find(training.key)) as TrainSummary | null;
    if (found !== null && (await isWhole(deps, found))) return found;
    await removeForgotten(deps.checkpointRoot);
    try {
      const made = await attempt(deps, training, found, context);
      const kept = (await deps.ledger.record(training.key, 'trainCandidate', made)) as TrainSummary;
      await forgetCheckpoints(training.keyFolder);
      return kept;
    } catch (error) {
      if (isFinal(error)) await forgetCheckpoints(training.keyFolder);
      throw error;
    }
  };
