import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import type { PipelineSpec } from '#domain/contracts/pipeline-spec/pipeline-spec.ts';
import { PerennialError } from '#domain/errors.ts';
import type { PipelineName, Sha256, VersionNumber } from '#domain/units.ts';
import { digestOfJson, sha256Of } from '../../../infra/objects/digest.ts';
import { type Admission, admitModel } from '../../../infra/onnx/admit.ts';
import { buildModelPackage } from '../../../infra/onnx/package.ts';
import { parseStoredDefinition } from '../../../infra/schemas/stored-definition.ts';
import { type Context, withContext } from '../context.ts';
import { note, print, printJson, short } from '../output.ts';
import { featureNames, type ImportOptions, plainFeatures, questionOf, splitNames } from './foreign-model.ts';
import { compareWithGolden, readGoldenFile } from './golden-file.ts';

/** Admits the file, registers it and makes it champion; the same import again changes nothing. */
export const importModel = (file: string, options: ImportOptions): Promise<void> =>
  withContext(async (context) => {
    const imported = await importInto(context, file, options);
    if (options.json) return printJson(imported);
    for (const warning of imported.warnings) note(`note: ${warning}`);
    const { pipeline, version, modelSha256, generation } = imported;
    return print(
      `${pipeline}: version ${version} (${short(modelSha256)}) is champion, generation ${generation}; "perennial status ${pipeline}" shows when servers follow`,
    );
  });

export type Imported = {
  readonly pipeline: PipelineName;
  readonly version: VersionNumber;
  readonly modelSha256: Sha256;
  readonly generation: number;
  readonly features: readonly string[];
  readonly warnings: readonly string[];
};

export const importInto = async (context: Context, file: string, options: ImportOptions): Promise<Imported> => {
  const pipeline = options.pipeline as PipelineName;
  const definition = await currentDefinition(context, pipeline);
  const bytes = await readModel(file);
  const columns = splitNames(options.features)?.length;
  const probe = await admitModel(bytes, columns === undefined ? {} : { width: columns });
  const names = featureNames(probe, definition.spec, options);
  const { admission, vectors } = await admitWithRows(bytes, probe, names, options.golden);
  const stored = await storePackage(context, definition.spec, bytes, admission, vectors, names, options);
  const { modelSha256 } = stored;
  const generation = await refuseOtherChampion(context, pipeline, modelSha256, options.force ?? false);
  const version = await registerImport(context, definition, bytes, stored, file, admission);
  const promoted = await promote(context, pipeline, version, modelSha256, generation);
  return { pipeline, version, modelSha256, generation: promoted, features: names, warnings: admission.warnings };
};

type Definition = {
  readonly pipeline: PipelineName;
  readonly sha256: Sha256;
  readonly codeVersion: string;
  readonly spec: PipelineSpec;
};

const currentDefinition = async (context: Context, pipeline: PipelineName): Promise<Definition> => {
  const current = await context.definitions.current(pipeline);
  if (current !== null) return { ...current, spec: parseStoredDefinition(current.file, `import a model for "${pipeline}"`) };
  throw new PerennialError(
    'PRN_NOT_FOUND',
    `Cannot import a model for "${pipeline}" as the pipeline must have been applied: run "perennial apply" with its file first`,
  );
};

const readModel = async (file: string): Promise<Buffer> => {
  try {
    return await readFile(file);
  } catch (cause) {
    throw new PerennialError('PRN_NOT_FOUND', `Cannot read model "${file}": ${(cause as Error).message}`, { cause });
  }
};

type Rows = { readonly admission: Admission; readonly vectors: readonly (readonly (number | null)[])[] };

/** With golden rows the model must answer as the team says that it does; without, a row of zeros stands for them. */
const admitWithRows = async (
  bytes: Buffer,
  probe: Admission,
  names: readonly string[],
  golden: string | undefined,
): Promise<Rows> => {
  if (golden === undefined) {
    const zeros = new Array<number>(names.length).fill(0);
    return { admission: await admitModel(bytes, { vectors: [zeros], width: names.length }), vectors: [zeros] };
  }
  const rows = await readGoldenFile(golden, names);
  const vectors = rows.map((row) => row.vector);
  const admission = await admitModel(bytes, { vectors, width: names.length });
  compareWithGolden(rows, admission.answers, probe.outputWidth);
  return { admission, vectors };
};

type Stored = { readonly modelSha256: Sha256; readonly featureSetSha256: Sha256 };

const storePackage = async (
  context: Context,
  spec: PipelineSpec,
  bytes: Buffer,
  admission: Admission,
  vectors: Rows['vectors'],
  names: readonly string[],
  options: ImportOptions,
): Promise<Stored> => {
  const width = names.length;
  const mayBeMissing = new Set(names.filter((_, column) => vectors.some((vector) => vector[column] === null)));
  const featureSetSha256 = await context.content.putJson(plainFeatures(names, spec, mayBeMissing));
  const modelPackage = buildModelPackage({
    pipeline: spec.name,
    ...questionOf(admission, spec, options),
    onnx: { sha256: await context.content.putBytes(bytes), bytes: bytes.length },
    session: admission,
    featureSetSha256,
    features: { data: vectors.flat().map((value) => value ?? Number.NaN), rows: vectors.length, width },
    answers: { data: admission.answers, rows: vectors.length, width: admission.outputWidth },
  });
  return { featureSetSha256, modelSha256: await context.content.putJson(modelPackage) };
};

/** The generation to promote from. Another champion was compared with its rivals; an import was not, so it must be forced. */
const refuseOtherChampion = async (
  context: Context,
  pipeline: PipelineName,
  modelSha256: Sha256,
  force: boolean,
): Promise<number> => {
  const { champion, generation } = await context.deployments.get(pipeline);
  if (champion === null || champion.modelSha256 === modelSha256 || force) return generation;
  throw new PerennialError(
    'PRN_CONFLICT',
    `Cannot import a model as champion of "${pipeline}" as it must have none: version ${champion.version} serves; --force replaces it without a comparison`,
  );
};

const registerImport = async (
  context: Context,
  definition: Definition,
  bytes: Buffer,
  { modelSha256, featureSetSha256 }: Stored,
  file: string,
  admission: Admission,
): Promise<VersionNumber> => {
  const { version } = await context.registry.register(
    {
      pipeline: definition.pipeline,
      modelSha256,
      onnxSha256: sha256Of(bytes),
      // There was no training: the package itself is what an import is the same by.
      trainingKey: digestOfJson({ imported: modelSha256 }),
      definitionSha256: definition.sha256,
      codeVersion: definition.codeVersion,
      snapshotSha256: null,
      featureSetSha256,
      // Nobody knows what rows it was trained on.
      profileSha256: null,
      trainer: 'import',
      parameters: { file: basename(file), producer: admission.producer },
      metrics: {},
      runKey: null,
    },
    context.config.actor,
  );
  return version;
};

const promote = async (
  context: Context,
  pipeline: PipelineName,
  version: VersionNumber,
  modelSha256: Sha256,
  expectedGeneration: number,
): Promise<number> => {
  const { champion, generation } = await context.deployments.get(pipeline);
  if (champion?.modelSha256 === modelSha256) return generation;
  const promoted = await context.deployments.promote({
    pipeline,
    kind: 'promote',
    version,
    expectedGeneration,
    operationKey: `import/${pipeline}/${version}/${expectedGeneration}`,
    actor: context.config.actor,
    reason: 'imported',
  });
  return promoted.generation;
};
