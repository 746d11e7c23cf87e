import { type FeatureFrame, featureFrameSchema } from '#domain/contracts/feature-set.ts';
import type { MetricName } from '#domain/contracts/pipeline-spec/training.ts';
import { type TrainingResult, trainingResultSchema } from '#domain/contracts/training-job.ts';
import { PerennialError } from '#domain/errors.ts';
import { fitsTask } from '#domain/stats/metrics/metrics.ts';
import type { Sha256 } from '#domain/units.ts';
import { readNpy } from '../../infra/features/npy.ts';
import type { RunRef } from '../../workflows/run-ref.ts';
import type { CpuDeps, PipelineSpec } from '../deps.ts';
import { readSpec } from '../ingest.ts';
import type { ClusterChoice } from './clusters.ts';

export type EvaluateInput = RunRef & { readonly frameSha256: Sha256; readonly trainingResultSha256: Sha256 };

/** What is evaluated, and on what. */
export type Subject = {
  readonly input: EvaluateInput;
  readonly gate: PipelineSpec['gate'];
  readonly primaryMetric: MetricName;
  readonly frame: FeatureFrame;
  readonly result: TrainingResult;
  readonly rowsTogether: ClusterChoice;
  /** Of the hold-out: class indices or values. */
  readonly labels: Float32Array;
};

const usualMetric = { binary: 'roc_auc', multiclass: 'accuracy', regression: 'rmse' } as const;

export const readFrame = async (
  deps: Pick<CpuDeps, 'content'>,
  { frameSha256 }: Pick<EvaluateInput, 'frameSha256'>,
): Promise<FeatureFrame> => featureFrameSchema.parse(await deps.content.getJson(frameSha256));

/** Of the hold-out: class indices or values. */
export const readLabels = async (deps: Pick<CpuDeps, 'content'>, { holdout }: FeatureFrame): Promise<Float32Array> =>
  (await readNpy(await deps.content.localFile(holdout.labels))).data;

/** Reads frame, training result and labels. Throws PRN_EVALUATION where what is asked for does not fit the label. */
export const readSubject = async (deps: Pick<CpuDeps, 'definitions' | 'content'>, input: EvaluateInput): Promise<Subject> => {
  const { gate, data } = await readSpec(deps, input);
  const frame = await readFrame(deps, input);
  const result = trainingResultSchema.parse(await deps.content.getJson(input.trainingResultSha256));
  const labels = await readLabels(deps, frame);
  const primaryMetric = gate.metric ?? usualMetric[frame.task];
  if (!fitsTask(primaryMetric, frame.task)) {
    throw new PerennialError(
      'PRN_EVALUATION',
      `Cannot compare models by "${primaryMetric}" as it must fit the label, which is ${frame.task}: choose one such as ${usualMetric[frame.task]}`,
    );
  }
  if (gate.fairness.length > 0 && frame.task !== 'binary') {
    throw new PerennialError(
      'PRN_EVALUATION',
      `Cannot compare fairness as the label must have two classes: it is ${frame.task}; leave gate.fairness out`,
    );
  }
  const rowsTogether = { cluster: gate.cluster, eventTime: data.event_time ?? null, key: data.key ?? [] };
  return { input, gate, primaryMetric, frame, result, rowsTogether, labels };
};
