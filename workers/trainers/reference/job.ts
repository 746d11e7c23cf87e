/** The job as this trainer understands it. */
import { readFileSync } from 'node:fs';
import { type TrainerEvent, type TrainingJob, trainerExit, trainingJobSchema } from '#domain/contracts/training-job.ts';

/** The job cannot be done as it stands; the message is for the author of the pipeline. */
export class BadJob extends Error {}

export type Parameters = {
  /** Strength of the ridge penalty on standardised weights, relative to the mean loss. */
  readonly l2: number;
  readonly maxIterations: number;
  /** Stops when the largest component of the gradient is below it. */
  readonly tolerance: number;
  readonly checkpointEvery: number;
};

const limits = {
  l2: { fallback: 1e-4, least: 0 },
  max_iterations: { fallback: 200, least: 1 },
  tolerance: { fallback: 1e-5, least: 0 },
  checkpoint_every: { fallback: 20, least: 1 },
} as const;
type ParameterName = keyof typeof limits;

const readParameter = (given: TrainingJob['parameters'], name: ParameterName): number => {
  const value = given[name] ?? limits[name].fallback;
  if (typeof value !== 'number' || !Number.isFinite(value) || value < limits[name].least) {
    throw new BadJob(
      `Cannot use parameter "${name}" as it must be a number of at least ${limits[name].least}: it is ${JSON.stringify(value)}`,
    );
  }
  return value;
};

export const readParameters = (given: TrainingJob['parameters']): Parameters => {
  const unknown = Object.keys(given).find((name) => !(name in limits));
  if (unknown !== undefined) {
    throw new BadJob(`Cannot use parameter "${unknown}" as the reference trainer knows only ${Object.keys(limits).join(', ')}`);
  }
  return {
    l2: readParameter(given, 'l2'),
    maxIterations: Math.trunc(readParameter(given, 'max_iterations')),
    tolerance: readParameter(given, 'tolerance'),
    checkpointEvery: Math.trunc(readParameter(given, 'checkpoint_every')),
  };
};

export const readJob = (file: string): TrainingJob => {
  const parsed = trainingJobSchema.safeParse(JSON.parse(readFileSync(file, 'utf8')));
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw new BadJob(`Cannot read the job as "${issue?.path.join('.')}" is wrong: ${issue?.message}`);
};

export const say = (event: TrainerEvent): void => void process.stdout.write(`${JSON.stringify(event)}\n`);

/** Leaves after everything written has reached its pipe. */
export const leave = (how: keyof typeof trainerExit): void => {
  process.exitCode = trainerExit[how];
  process.stdin.destroy();
};
