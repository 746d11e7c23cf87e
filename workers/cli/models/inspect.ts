import { type FeatureSet, featureSetSchema, type RequestField } from '#domain/contracts/feature-set.ts';
import type { ModelVersion } from '#domain/contracts/model-version.ts';
import { PerennialError } from '#domain/errors.ts';
import type { RunKey, VersionNumber } from '#domain/units.ts';
import { parseModelPackage } from '../../../infra/onnx/package.ts';
import { type Context, withContext } from '../context.ts';
import { readEvaluation } from '../explain/evaluation.ts';
import { requirePipeline } from '../known-pipeline.ts';
import { paint, print, printJson, short, table } from '../output.ts';
import { formatMany } from '../quantity.ts';
import { compareOnSameRows, compareVersions, type MetricDiff, type SameRows, type VersionDiff } from './compare-versions.ts';
import { inOrder } from './in-order.ts';

type Options = { readonly json?: boolean };

const metricText = (metrics: ModelVersion['metrics']): string =>
  inOrder(metrics)
    .slice(0, 3)
    .map(([name, value]) => `${name} ${value.toFixed(4)}`)
    .join('  ');

export const listModels = (pipeline: string | undefined, options: Options): Promise<void> =>
  withContext(async (context) => {
    const name = pipeline === undefined ? undefined : await requirePipeline(context, pipeline, 'Cannot list models of');
    const versions = await context.registry.list(name);
    if (options.json) return printJson({ models: versions });
    if (versions.length === 0)
      return print(
        `No model versions${pipeline ? ` of "${pipeline}"` : ''}: train one with \`perennial run\`, or bring one in with \`perennial models import\``,
      );
    return print(
      table([
        ['pipeline', 'version', 'stage', 'model', 'data', 'created', 'metrics'],
        ...versions.map((one) => [
          one.pipeline,
          String(one.version),
          one.stage === 'champion' ? paint('green', one.stage) : one.stage,
          short(one.modelSha256),
          short(one.snapshotSha256),
          one.createdAt,
          metricText(one.metrics),
        ]),
      ]),
    );
  });

/** A version by number, or the champion. Throws PRN_NOT_FOUND naming what there is. */
export const findVersion = async (context: Context, pipeline: string, asked: string): Promise<ModelVersion> => {
  const name = await requirePipeline(context, pipeline, 'Cannot find models of');
  const found =
    asked === 'champion'
      ? await context.registry.champion(name)
      : /^[1-9]\d{0,8}$/.test(asked)
        ? await context.registry.get(name, Number(asked) as VersionNumber)
        : null;
  if (found !== null) return found;
  const what = asked === 'champion' ? 'a champion' : `version "${asked}"`;
  throw new PerennialError(
    'PRN_NOT_FOUND',
    `Cannot find ${what} of "${pipeline}": "perennial models list ${pipeline}" shows what there is`,
  );
};

const rangeText = ({ min, max, unit }: RequestField): string[] => [
  ...(unit === undefined ? [] : [unit]),
  ...(min === undefined ? [] : [`at least ${min}`]),
  ...(max === undefined ? [] : [`at most ${max}`]),
];

/** Values that a line holds. */
const valuesShown = 8;

const valuesText = ({ values }: RequestField): string[] =>
  values === undefined ? [] : [`${values.slice(0, valuesShown).join(' | ')}${values.length > valuesShown ? ' | …' : ''}`];

const absentText = ({ required, defaultsTo }: RequestField): string[] =>
  defaultsTo === 'now' ? ['now where it is left out'] : required ? [] : ['may be left out'];

/** What a request for a prediction has: `perennial predict PIPELINE '{"name": value, ...}'`. */
const askedLines = ({ request }: FeatureSet): string[] =>
  request.map((field, place) => {
    const told = [field.type, ...rangeText(field), ...valuesText(field), ...absentText(field)].join(', ');
    return `  ${(place === 0 ? 'takes' : '').padEnd(10)}  ${field.name}: ${told}`;
  });

export const showModel = (pipeline: string, asked: string, options: Options): Promise<void> =>
  withContext(async (context) => {
    const version = await findVersion(context, pipeline, asked);
    const modelPackage = parseModelPackage(await context.content.getJson(version.modelSha256));
    const featureSet = featureSetSchema.parse(await context.content.getJson(modelPackage.featureSetSha256));
    if (options.json) return printJson({ ...version, package: modelPackage, request: featureSet.request });
    const { onnx } = modelPackage;
    const shape = (tensor: (typeof onnx)['output']) => `${tensor.name} ${tensor.type}[${tensor.shape.join(', ')}]`;
    return print(
      [
        `${version.pipeline} version ${version.version}  ${version.stage}`,
        `  model       ${version.modelSha256}`,
        ...askedLines(featureSet),
        `  gives       ${modelPackage.classes.length > 0 ? modelPackage.classes.join(', ') : 'a number'}`,
        `  onnx        takes ${onnx.inputs.map(shape).join(', ')}; gives ${shape(onnx.output)}`,
        `  data        ${version.snapshotSha256 ?? 'imported, unknown'}`,
        `  features    ${version.featureSetSha256}`,
        `  profile     ${version.profileSha256 ?? 'none: imported, or from before there were profiles'}`,
        `  definition  ${version.definitionSha256 ?? '-'}`,
        `  code        ${version.codeVersion}`,
        `  trainer     ${version.trainer} ${JSON.stringify(version.parameters)}`,
        `  run         ${version.runKey ?? '-'}`,
        `  created     ${version.createdAt}`,
        ...inOrder(version.metrics).map(([name, value]) => `  ${name.padEnd(22)}${value.toFixed(6)}`),
      ].join('\n'),
    );
  });

export const diffModels = (pipeline: string, from: string, to: string, options: Options): Promise<void> =>
  withContext(async (context) => {
    const [before, after] = [await findVersion(context, pipeline, from), await findVersion(context, pipeline, to)];
    const diff = compareVersions(before, after);
    const sameRows = await readSameRows(context, before, after);
    if (options.json) return printJson({ pipeline, from: before.version, to: after.version, ...diff, sameRows });
    return printDiff(before, after, diff, sameRows);
  });

/** The newer one was the candidate, most of the time; null where no gate compared the two. */
const readSameRows = async (context: Context, before: ModelVersion, after: ModelVersion): Promise<SameRows | null> => {
  const evaluationOf = ({ runKey }: ModelVersion) => (runKey === null ? null : readEvaluation(context, runKey as RunKey));
  const [earlier, later] = await Promise.all([evaluationOf(before), evaluationOf(after)]);
  return compareOnSameRows(later, after, before, 'to candidate') ?? compareOnSameRows(earlier, before, after, 'to champion');
};

const metricsTable = (metrics: readonly MetricDiff[]): string => {
  const text = (value: number | null) => (value === null ? '-' : value.toFixed(6));
  const rows = metrics.map(({ name, from, to, difference }) => [name, text(from), text(to), text(difference)]);
  return table([['metric', 'from', 'to', 'difference'], ...rows]);
};

/** A difference between hold-outs is not one between models. */
const printMetrics = ({ metrics }: VersionDiff, sameRows: SameRows | null): void => {
  if (sameRows !== null) {
    print(`both on the same ${formatMany(sameRows.rows, 'row')}, as the gate of run ${sameRows.runKey} compared them`);
    print(metricsTable(sameRows.metrics));
  }
  if (metrics.length === 0) return;
  print('each on the hold-out of its own run: other rows, so the differences are not those of the models alone');
  print(metricsTable(metrics));
};

const printDiff = (before: ModelVersion, after: ModelVersion, diff: VersionDiff, sameRows: SameRows | null): void => {
  print(`${before.pipeline}: version ${before.version} to version ${after.version}`);
  const changed = diff.changes.map(({ what, from, to }) => [what, from ?? '-', to ?? '-']);
  print(
    changed.length === 0
      ? 'nothing changed but the version'
      : table([['changed', `version ${before.version}`, `version ${after.version}`], ...changed]),
  );
  if (diff.same.length > 0) print(paint('dim', `same: ${diff.same.join(', ')}`));
  printMetrics(diff, sameRows);
};
