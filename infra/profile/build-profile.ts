/** The features of a reference profile, from the rows that a features step prepared. */
import type { DatasetSchema } from '#domain/contracts/dataset.ts';
import type { FeatureSet } from '#domain/contracts/feature-set.ts';
import type { PipelineSpec } from '#domain/contracts/pipeline-spec/pipeline-spec.ts';
import { type ProfiledFeature, type ReferenceProfile, referenceProfileSchema } from '#domain/contracts/reference-profile.ts';
import { PerennialError } from '#domain/errors.ts';
import { nearestName } from '#domain/features/nearest-name.ts';
import type { Sha256 } from '#domain/units.ts';
import type { Duck } from '../tabular/duckdb.ts';
import { quoteName } from '../tabular/sql.ts';
import { type InputColumn, profiledColumns } from './columns.ts';
import { profileColumns } from './profile-columns.ts';

export type ProfileInput = {
  readonly spec: Pick<PipelineSpec, 'name' | 'watch'>;
  readonly schema: DatasetSchema;
  readonly snapshotSha256: Sha256;
  readonly featureSet: FeatureSet;
  readonly featureSetSha256: Sha256;
  /** View values that are texts, as `view.value`. */
  readonly textValues: ReadonlySet<string>;
  /** Relation of all rows that the run uses, training and hold-out, with view values as `view.value`, and `_row`. */
  readonly relation: string;
};

/** Names of inputs that are critical: each must be that of an input, or of a feature that reads it. */
const criticalInputs = (names: readonly string[], columns: readonly InputColumn[]): ReadonlySet<string> => {
  const critical = new Set<string>();
  for (const name of names) {
    const meant = columns.filter((column) => column.name === name || column.input.features.includes(name));
    if (meant.length === 0) throw unknownInput(name, columns);
    for (const column of meant) critical.add(column.name);
  }
  return critical;
};

const unknownInput = (name: string, columns: readonly InputColumn[]): PerennialError => {
  const known = [...new Set(columns.flatMap((column) => [column.name, ...column.input.features]))];
  const nearest = nearestName(name, known);
  const hint = nearest === null ? `: the inputs are ${known.slice(0, 10).join(', ')}` : `: did you mean "${nearest}"?`;
  return new PerennialError(
    'PRN_FEATURE_INVALID',
    `Cannot watch "${name}" as watch.critical must name inputs of the model${hint}`,
    { details: { input: name } },
  );
};

/** What the data's own schema says about a value. */
const declared = ({ input }: InputColumn, { request }: FeatureSet): Pick<ProfiledFeature, 'closedVocabulary' | 'hardLimits'> => {
  const { source, part } = input;
  const field = source.kind === 'column' && part === null ? request.find((each) => each.name === source.column) : undefined;
  return {
    closedVocabulary: field?.unknownValues === 'reject',
    hardLimits: { min: field?.min ?? null, max: field?.max ?? null },
  };
};

/**
 * Builds the profile of the features: what the model of this run will have known as normal. Scores, predictions and
 * performance are added once there is a model; see `completeProfile`. Throws PRN_FEATURE_INVALID where `watch.critical`
 * names what is no input.
 */
export const buildProfile = async (db: Duck, input: ProfileInput): Promise<ReferenceProfile> => {
  const { spec, schema, featureSet, relation } = input;
  const columns = profiledColumns(featureSet, input);
  const critical = criticalInputs(spec.watch.critical, columns);
  const epochMs = schema.eventTime === null ? null : `epoch_ms(${quoteName(schema.eventTime)})`;
  const rows = { relation, rowNumber: '_row', epochMs };
  const { variables, ...profiled } = await profileColumns(db, rows, columns, spec.watch.window);
  return referenceProfileSchema.parse({
    format: 1,
    pipeline: spec.name,
    snapshotSha256: input.snapshotSha256,
    featureSetSha256: input.featureSetSha256,
    onnxSha256: null,
    ...profiled,
    features: columns.map((column, index) => ({
      ...variables[index],
      critical: critical.has(column.name),
      // No trainer says so far what its model leans on.
      importance: null,
      ...declared(column, featureSet),
    })),
    scores: [],
    predictions: null,
    performance: null,
  });
};
