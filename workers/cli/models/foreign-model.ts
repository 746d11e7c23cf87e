/** What a model from elsewhere is asked and answers: from its file, the pipeline's declaration, and options in that order. */
import type { FeatureSet, RequestField } from '#domain/contracts/feature-set.ts';
import type { ModelPackage } from '#domain/contracts/model-version.ts';
import type { PipelineSpec } from '#domain/contracts/pipeline-spec/pipeline-spec.ts';
import { classificationMetrics } from '#domain/contracts/pipeline-spec/training.ts';
import { PerennialError } from '#domain/errors.ts';
import type { Admission } from '../../../infra/onnx/admit.ts';

export type ImportOptions = {
  readonly pipeline: string;
  readonly golden?: string;
  readonly features?: string;
  readonly task?: string;
  readonly classes?: string;
  readonly force?: boolean;
  readonly json?: boolean;
};

const usage = (message: string): PerennialError => new PerennialError('PRN_USAGE', message);

export const splitNames = (text: string | undefined): string[] | undefined => text?.split(',').map((name) => name.trim());

type Columns = NonNullable<PipelineSpec['data']['columns']>;

/** Columns that a request brings: declared, of role feature, and neither label, time nor key. */
const declaredFeatures = ({ data }: PipelineSpec): string[] =>
  Object.entries(data.columns ?? {})
    .filter(
      ([name, column]) =>
        column.role === 'feature' && name !== data.label.name && name !== data.event_time && !data.key?.includes(name),
    )
    .map(([name]) => name);

/**
 * Names of the features in the order of the matrix: those of the option, the names of the inputs where each has its own,
 * else the pipeline's inputs or declared columns, if there are as many. Throws PRN_USAGE saying what was counted.
 */
export const featureNames = (
  file: Pick<Admission, 'inputs' | 'inputWidth'>,
  spec: PipelineSpec,
  options: Pick<ImportOptions, 'features'>,
): string[] => {
  const own = file.inputs.length > 1 ? file.inputs.map((input) => input.name) : undefined;
  const inputs = spec.features.inputs === undefined ? [] : Object.keys(spec.features.inputs);
  const asked = splitNames(options.features);
  const wanted = file.inputWidth ?? asked?.length ?? null;
  const names = asked ?? own ?? [inputs, declaredFeatures(spec)].find((list) => list.length === wanted && list.length > 0);
  if (names !== undefined && names.length === wanted) return names;
  throw usage(
    `Cannot name the ${wanted ?? 'open number of'} features of the model as ${asked ? `--features names ${asked.length}` : `the pipeline has ${inputs.length} inputs and ${declaredFeatures(spec).length} feature columns`}: name each with --features`,
  );
};

/**
 * Every feature is a plain number of the request, checked against the limits that the pipeline declares for it. It may be
 * left out only where a golden row shows that the model answers without it.
 */
export const plainFeatures = (names: readonly string[], spec: PipelineSpec, mayBeMissing: ReadonlySet<string>): FeatureSet => ({
  format: 1,
  request: names.map((name) => numberField(name, spec.data.columns?.[name], !mayBeMissing.has(name))),
  views: [],
  features: names.map((name) => ({ name, source: { kind: 'column', column: name }, transforms: [], outputs: [name] })),
});

const numberField = (name: string, column: Columns[string] | undefined, required: boolean): RequestField => ({
  name,
  type: 'number',
  ...(column?.unit === undefined ? {} : { unit: column.unit }),
  ...(column?.min === undefined ? {} : { min: column.min }),
  ...(column?.max === undefined ? {} : { max: column.max }),
  unknownValues: 'allow',
  required,
  defaultsTo: null,
});

type Question = Pick<ModelPackage, 'task' | 'classes'>;

/** Task and classes; one number a row may be a probability or a value, and only the gate's metric or the option says which. */
export const questionOf = (file: Pick<Admission, 'outputWidth'>, spec: PipelineSpec, options: ImportOptions): Question => {
  const task = taskOf(file.outputWidth, spec, options);
  if (task === 'regression') return { task, classes: [] };
  const classes = splitNames(options.classes) ?? usualClasses(task, spec);
  const wanted = task === 'binary' ? 2 : file.outputWidth;
  if (classes?.length === wanted) return { task, classes };
  throw usage(
    `Cannot name the ${wanted} classes of the model as ${classes ? `${classes.length} are given` : 'the pipeline does not tell'}: name them with --classes`,
  );
};

const taskOf = (width: number, spec: PipelineSpec, { task }: ImportOptions): Question['task'] => {
  if (task !== undefined && task !== 'binary' && task !== 'multiclass' && task !== 'regression') {
    throw usage(`Cannot import for task "${task}" as it must be binary, multiclass or regression`);
  }
  if (width >= 2) return width === 2 && task !== 'multiclass' ? 'binary' : 'multiclass';
  if (task !== undefined) return task;
  if (spec.gate.metric === undefined) {
    throw usage('Cannot tell whether the model answers a probability or a value: say --task binary or --task regression');
  }
  return (classificationMetrics as readonly string[]).includes(spec.gate.metric) ? 'binary' : 'regression';
};

/** As the features step writes them: truths are "false" and "true", 0 and 1 are "0" and "1". */
const usualClasses = (task: Question['task'], { data }: PipelineSpec): string[] | undefined => {
  if (task !== 'binary') return undefined;
  const type = data.columns?.[data.label.name]?.type;
  if (data.label.sql !== null || type === 'boolean') return ['false', 'true'];
  return type === 'integer' || type === 'number' ? ['0', '1'] : undefined;
};
