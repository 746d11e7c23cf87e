import type { TrainerEvent } from '#domain/contracts/training-job.ts';
import type { RunKey } from '#domain/units.ts';
import type { TrainerEnd } from '../../infra/trainer/end.ts';
import type { GpuDeps } from '../deps.ts';
import type { StepContext } from '../step-context.ts';

type Point = { readonly name: string; readonly step: number; readonly value: number };

export type TrainingMetrics = {
  /** Takes one event of the trainer. */
  readonly take: (event: TrainerEvent) => void;
  /** Ends the writing on the side; what is left is lost, unless `end` follows. */
  stop(): void;
  /** Writes what is left, the final metrics too. Throws where the database is not there. */
  end(end: TrainerEnd): Promise<void>;
};

/** A person looks at curves by the second; more often only makes rows. */
const flushMs = 1_000;
/** A trainer that prints every batch of a long training would fill the table; its curve is full by then. */
const pointLimit = 20_000;
const nameLimit = 200;

const pointsOf = (event: TrainerEvent): Point[] => {
  const point = (name: string, step: number, value: number): Point => ({
    name: name.slice(0, nameLimit),
    step: Math.max(0, Math.round(step)),
    value,
  });
  if (event.event === 'metric') return [point(event.name, event.step, event.value)];
  if (event.event !== 'progress') return [];
  return Object.entries(event.metrics ?? {}).map(([name, value]) => point(name, event.step, value));
};

const finalPoints = (end: TrainerEnd): Point[] =>
  pointsOf({ event: 'progress', step: end.lastProgress?.step ?? 0, metrics: end.output?.result.metrics ?? {} });

/** Turns a trainer's events into heartbeats and into the run's recorded metrics. */
export const createTrainingMetrics = (
  runs: GpuDeps['runs'],
  runKey: RunKey,
  context: StepContext | undefined,
): TrainingMetrics => {
  let waiting: Point[] = [];
  let taken = 0;
  let writing: Promise<void> = Promise.resolve();
  const flush = (): void => {
    const points = waiting;
    waiting = [];
    // What could not be written waits for the next turn; only the last turn has to succeed.
    writing = writing.then(() => runs.recordMetrics(runKey, points)).catch(() => void waiting.unshift(...points));
  };
  const timer = setInterval(() => waiting.length > 0 && flush(), flushMs);
  return {
    take: (event) => {
      if (event.event === 'progress') context?.heartbeat({ step: event.step, total: event.total ?? null });
      const points = pointsOf(event);
      taken += points.length;
      if (taken <= pointLimit) waiting.push(...points);
    },
    stop: () => clearInterval(timer),
    end: async (end) => {
      await writing;
      await runs.recordMetrics(runKey, [...waiting, ...finalPoints(end)]);
    },
  };
};
