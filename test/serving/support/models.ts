/** Tiny models that answer differently, so that an answer tells which one gave it. */

import type { ContentStore } from '../../../infra/objects/store.ts';
import { floatTensor, floatValue, model, node } from '../../../infra/onnx/builders.ts';
import { buildModelPackage } from '../../../infra/onnx/package.ts';
import { encodeModel } from '../../../infra/onnx/proto.ts';
import { openSession } from '../../../infra/onnx/session.ts';
import type { FeatureSet } from '../../../workflows/domain/contracts/feature-set.ts';
import { createVectorizer } from '../../../workflows/domain/features/apply.ts';
import type { PipelineName, Sha256 } from '../../../workflows/domain/units.ts';

type Task = 'binary' | 'multiclass' | 'regression';
export type TinyModel = {
  readonly pipeline: string;
  /** Added to every score; for "regression" it is the answer to a row of zeros. */
  readonly bias: number;
  readonly task?: Task;
  readonly classes?: readonly string[];
  readonly featureSet?: FeatureSet;
  /** Makes the golden answers of the package wrong by this much. */
  readonly goldenOff?: number;
  /** For "regression": answers the square root, which rows below zero have none of. */
  readonly isRoot?: boolean;
};

const field = (name: string, type: 'number' | 'integer' | 'category' | 'timestamp' | 'boolean', more: object = {}) => ({
  name,
  type,
  unknownValues: 'allow' as const,
  required: true,
  defaultsTo: null,
  ...more,
});

/** The churn request in small: a bounded number, a closed category, a number that may be missing. */
export const churnFeatures: FeatureSet = {
  format: 1,
  request: [
    field('tenure', 'integer', { unit: 'months', min: 0, max: 100 }),
    field('contract', 'category', { values: ['monthly', 'yearly'], unknownValues: 'reject' }),
    field('charges', 'number', { required: false }),
  ],
  views: [],
  features: [
    { name: 'tenure', source: { kind: 'column', column: 'tenure' }, transforms: [], outputs: ['tenure'] },
    {
      name: 'contract',
      source: { kind: 'column', column: 'contract' },
      transforms: [{ kind: 'one-hot', categories: ['monthly', 'yearly'], other: false }],
      outputs: ['contract=monthly', 'contract=yearly'],
    },
    {
      name: 'charges',
      source: { kind: 'column', column: 'charges' },
      transforms: [{ kind: 'impute', value: 50 }],
      outputs: ['charges'],
    },
  ],
};

/** A view by origin, older than a week at the flight's own time is stale. */
export const flightFeatures: FeatureSet = {
  format: 1,
  eventTime: 'date',
  request: [field('date', 'timestamp', { required: false, defaultsTo: 'now' }), field('origin', 'category')],
  views: [{ name: 'origin_past', entity: ['origin'], values: ['late_rate'], sql: 'select 1', staleAfterMs: 7 * 86_400_000 }],
  features: [
    {
      name: 'late_rate',
      source: { kind: 'view', view: 'origin_past', value: 'late_rate' },
      transforms: [{ kind: 'impute', value: 0.25 }],
      outputs: ['late_rate'],
    },
  ],
};

const outputsOf = (task: Task): number => (task === 'multiclass' ? 3 : 1);

/** Scores are weight 0.01 for each feature plus the bias, the same for all outputs but for a step of one per class. */
const graphOf = (task: Task, width: number, bias: number, isRoot = false) => {
  const outputs = outputsOf(task);
  const last = isRoot ? 'Sqrt' : { binary: 'Sigmoid', multiclass: 'Softmax', regression: 'Identity' }[task];
  return model({
    name: `tiny-${task}`,
    input: [floatValue('features', ['n', width])],
    output: [floatValue('answer', ['n', outputs])],
    node: [
      node('MatMul', ['features', 'weights'], ['product']),
      node('Add', ['product', 'bias'], ['score']),
      node(last, ['score'], ['answer']),
    ],
    initializer: [
      floatTensor('weights', [width, outputs], new Array(width * outputs).fill(0.01)),
      floatTensor(
        'bias',
        [outputs],
        Array.from({ length: outputs }, (_, index) => bias + index),
      ),
    ],
  });
};

/** Writes ONNX file, feature set and package into the store, as training and evaluation do; returns the model digest. */
export const storeTinyModel = async (content: ContentStore, tiny: TinyModel): Promise<Sha256> => {
  const task = tiny.task ?? 'binary';
  const featureSet = tiny.featureSet ?? churnFeatures;
  const { width } = createVectorizer(featureSet);
  const bytes = encodeModel(graphOf(task, width, tiny.bias, tiny.isRoot));
  const session = await openSession(bytes);
  const rows = 4;
  const features = Float32Array.from({ length: rows * width }, (_, index) => (index * 7) % 11);
  const answers = (await session.run(features, rows)).map((value) => value + (tiny.goldenOff ?? 0));
  const modelPackage = buildModelPackage({
    pipeline: tiny.pipeline as PipelineName,
    task,
    classes: tiny.classes ?? { binary: ['false', 'true'], multiclass: ['a', 'b', 'c'], regression: [] }[task],
    onnx: { sha256: await content.putBytes(bytes), bytes: bytes.length },
    session,
    featureSetSha256: await content.putJson(featureSet),
    features: { data: features, rows, width },
    answers: { data: answers, rows, width: session.outputWidth },
  });
  await session.release();
  return content.putJson(modelPackage);
};

/** What a binary tiny model answers for a row of `churnFeatures`. */
export const churnProbability = (bias: number, row: { tenure: number; charges?: number | null }): number =>
  1 / (1 + Math.exp(-(bias + 0.01 * (row.tenure + 1 + (row.charges ?? 50)))));
