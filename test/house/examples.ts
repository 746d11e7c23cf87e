/** One example of each contract that crosses a border; the round trip below and readers of the contracts use them. */
const sha = (digit: string): string => digit.repeat(64);
const instant = '2001-01-31T23:59:00.000Z';

const column = { name: 'origin', type: 'category', role: 'feature', new_values: 'warn', missing: 'allow', unique: false };
const schema = { columns: [column], eventTime: 'date', key: [], label: 'late', labelKnownAfterMs: 86_400_000 };
const part = { source: 'main', kind: 'parquet', partition: '2001-01-31', sha256: sha('a'), bytes: 100, rows: 3 };
const verdict = {
  outcome: 'inconclusive',
  reason: 'roc_auc, candidate minus champion: lower bound -0.0041 is not above -0.003',
  inequalities: [
    { what: 'roc_auc, candidate minus champion, lower 95% bound', left: -0.0041, operator: '>', right: -0.003, holds: false },
  ],
  evidenceIds: ['roc_auc'],
};
const request = {
  format: 1,
  pipeline: 'flights',
  runKey: '0123456789abcdef',
  definitionSha256: sha('b'),
  codeVersion: `sha256:${sha('c')}`,
  listingSha256: sha('d'),
  cutoff: instant,
  trigger: { kind: 'ci', by: 'ci@runner', reason: 'commit' },
};

export const examples: Readonly<Record<string, unknown>> = {
  verdictSchema: verdict,
  evidenceSchema: {
    id: 'roc_auc',
    what: 'roc_auc, candidate minus champion',
    kind: 'interval',
    estimate: 0.01,
    lower: 0.004,
    upper: 0.016,
    confidence: 0.95,
    sides: 'one',
    standardError: 0.0036,
    method: 'DeLong',
    rows: 110_000,
  },
  sourceListingSchema: {
    format: 1,
    sources: { main: { type: 'parquet', path: '/lake/flights' } },
    objects: [{ source: 'main', key: '2001-01.parquet', bytes: 10, etag: `sha256:${sha('e')}` }],
  },
  batchSchema: {
    format: 1,
    pipeline: 'flights',
    listingSha256: sha('d'),
    cutoff: null,
    schema,
    parts: [part],
    rows: 3,
    rejected: { rows: 1, sha256: sha('f'), reasons: [{ reason: 'not an integer', column: 'delay', rows: 1, example: 'abc' }] },
    eventTime: { first: instant, last: instant },
  },
  datasetManifestSchema: {
    format: 1,
    pipeline: 'flights',
    schema,
    parts: [part],
    rows: 3,
    bytes: 100,
    eventTime: { first: instant, last: instant },
    cutoff: null,
    quarantined: { rows: 0, sha256: null },
    rejected: { rows: 0, sha256: null },
  },
  retrainRequestSchema: request,
  retrainPlanSchema: {
    ...request,
    trainer: 'lightgbm',
    trainTimeoutMs: 1,
    gpuWaitMs: 1,
    approvalWithinMs: null,
    confirmWithinMs: 1,
  },
  retrainOutcomeSchema: {
    workflowId: 'retrain/flights/0123456789abcdef',
    runKey: '0123456789abcdef',
    pipeline: 'flights',
    verdict: 'rejected',
    reason: 'roc_auc 0.5871 < 0.6',
    gate: verdict,
    dataVersion: sha('a'),
    modelVersion: null,
    metrics: { roc_auc: 0.5871 },
  },
  trainingJobSchema: {
    format: 1,
    trainingKey: sha('1'),
    task: 'binary',
    classes: ['false', 'true'],
    columns: ['hour'],
    train: { rows: 2, features: 'features.npy', labels: 'labels.npy' },
    parameters: { num_leaves: 63 },
    seed: 1,
    threads: 2,
    outputFolder: 'output',
    checkpointFolder: 'checkpoints',
  },
  modelPackageSchema: {
    format: 1,
    pipeline: 'churn',
    task: 'binary',
    classes: ['false', 'true'],
    positiveClass: 'true',
    threshold: 0.5,
    onnx: {
      sha256: sha('2'),
      bytes: 10,
      inputs: [{ name: 'features', type: 'float32', shape: ['n', 3] }],
      output: { name: 'probabilities', type: 'float32', shape: ['n', 2] },
    },
    featureSetSha256: sha('3'),
    golden: [{ vector: [1, null, 0], answer: [0.25, 0.75] }],
  },
};
