/** Whether candidate and champion answer the same question: only then is one better than the other. */
import { z } from 'zod';
import type { FeatureFrame } from '#domain/contracts/feature-set.ts';
import type { Deployment, ModelPackage, ModelVersion } from '#domain/contracts/model-version.ts';
import { labelSchema } from '#domain/contracts/pipeline-spec/data.ts';
import { PerennialError } from '#domain/errors.ts';
import type { PipelineName, VersionNumber } from '#domain/units.ts';
import { parseModelPackage } from '../../infra/onnx/package.ts';
import type { RunRef } from '../../workflows/run-ref.ts';
import type { CpuDeps } from '../deps.ts';
import { readSpec } from '../ingest.ts';
import { type EvaluateInput, readFrame, readLabels } from './subject.ts';

type Lineage = {
  readonly definitions: Pick<CpuDeps['definitions'], 'find'>;
  readonly registry: Pick<CpuDeps['registry'], 'get'>;
};
type Deps = Lineage & Pick<CpuDeps, 'definitions' | 'content'>;
type Served = NonNullable<Deployment['champion']>;
type Label = Pick<z.output<typeof labelSchema>, 'name' | 'sql'>;

/** Only what is asked of a definition of before, which this version of Perennial may refuse as a whole. */
const askedSchema = z.object({ data: z.object({ label: labelSchema }) });

/** Layout of an expression changes nothing that it says. */
const wordsOf = ({ sql }: Label): string | null => sql?.replaceAll(/\s+/g, ' ').trim() ?? null;
const nameOf = (label: Label): string => (label.sql === null ? `"${label.name}"` : `"${label.name}" (${wordsOf(label)})`);

/** What the label is now and was, in words; null where it is the same. */
const differenceOfLabels = (before: Label, now: Label): string | null =>
  before.name === now.name && wordsOf(before) === wordsOf(now) ? null : `the label was ${nameOf(before)} and is ${nameOf(now)}`;

/** The label that the version was trained for; null where nobody knows: an imported model, a definition that is gone. */
const labelOf = async (deps: Lineage, pipeline: PipelineName, version: VersionNumber): Promise<Label | null> => {
  const definitionSha256 = (await deps.registry.get(pipeline, version))?.definitionSha256 ?? null;
  if (definitionSha256 === null) return null;
  return askedSchema.safeParse((await deps.definitions.find(definitionSha256))?.file).data?.data.label ?? null;
};

/** A class that no row of the hold-out has needs no answer. */
const classesHeldOut = ({ classes }: FeatureFrame, labels: Float32Array): string[] => {
  const found = new Set(labels);
  return classes.filter((_, index) => found.has(index));
};

type Answered = Pick<ModelPackage, 'task' | 'classes'>;

/** What is answered is of another kind, or lacks classes that somebody asks for; null where nothing is missed. */
const differenceOfKinds = (before: Answered, now: Answered, who: string): string | null => {
  if (before.task !== now.task) return `it answered a ${before.task} label and the label is ${now.task}`;
  const unknown = now.classes.filter((name) => !before.classes.includes(name));
  if (unknown.length === 0) return null;
  const named = unknown.map((name) => `"${name}"`).join(', ');
  return `it answers the classes ${before.classes.join(', ')} and ${who} has ${named} too`;
};

/** The same of the rows that two are compared on; null where all can be compared. */
export const differenceOfAnswers = (before: Answered, frame: FeatureFrame, labels: Float32Array): string | null =>
  differenceOfKinds(before, { task: frame.task, classes: classesHeldOut(frame, labels) }, 'the hold-out');

const refusal = (champion: Served, difference: string): PerennialError => {
  const message = `Cannot compare the candidate with champion version ${champion.version} as both must answer the same question: ${difference}`;
  return new PerennialError('PRN_EVALUATION_QUESTION', message, { details: { championVersion: champion.version } });
};

/** What differs between the label that the version was trained for and this one, in words; null where nothing does, or nobody knows. */
export const differenceOfVersion = async (
  deps: Lineage,
  pipeline: PipelineName,
  { version }: Pick<Served, 'version'>,
  now: Label,
): Promise<string | null> => {
  const before = await labelOf(deps, pipeline, version);
  return before === null ? null : differenceOfLabels(before, now);
};

type Known = Pick<ModelVersion, 'version' | 'modelSha256'>;

/** What callers would miss of the answers of `now` where `before` answers in its place; reads the packages of both. */
export const differenceOfPackages = async (deps: Pick<Deps, 'content'>, before: Known, now: Known): Promise<string | null> => {
  const read = async ({ modelSha256 }: Known) => parseModelPackage(await deps.content.getJson(modelSha256));
  return differenceOfKinds(await read(before), await read(now), `version ${now.version}`);
};

/** The label of the present question: that of the champion, else that of the definition that was applied last; null where nobody knows. */
export const labelAskedFor = async (
  deps: Lineage & { readonly definitions: Pick<CpuDeps['definitions'], 'current'> },
  pipeline: PipelineName,
  champion: Pick<Served, 'version'> | null,
): Promise<Label | null> => {
  if (champion !== null) return labelOf(deps, pipeline, champion.version);
  return askedSchema.safeParse((await deps.definitions.current(pipeline))?.file).data?.data.label ?? null;
};

/**
 * Throws PRN_EVALUATION_QUESTION unless the champion was trained for the label of this definition, by name and expression.
 * Needs no frame, so that nothing is trained in vain.
 */
export const requireSameLabel = async (deps: Omit<Deps, 'content'>, input: RunRef, champion: Served): Promise<void> => {
  const { data } = await readSpec(deps, input);
  const difference = await differenceOfVersion(deps, input.pipeline, champion, data.label);
  if (difference !== null) throw refusal(champion, difference);
};

/** The same, and throws it unless the champion answers the same task and every class that the hold-out holds. */
export const requireSameQuestion = async (deps: Deps, input: EvaluateInput, champion: Served): Promise<void> => {
  await requireSameLabel(deps, input, champion);
  const frame = await readFrame(deps, input);
  const modelPackage = parseModelPackage(await deps.content.getJson(champion.modelSha256));
  const difference = differenceOfAnswers(modelPackage, frame, await readLabels(deps, frame));
  if (difference !== null) throw refusal(champion, difference);
};
