import type { Kysely } from 'kysely';
import type { PipelineName } from '#domain/units.ts';
import { createLabels } from '../postgres/labels.ts';
import { createPredictionParts } from '../postgres/prediction-parts.ts';
import type { Tables } from '../postgres/tables.ts';

/** Where labels are handed in: what keeps them, and what names a row. */
export const createLabelIntake = (db: Kysely<Tables>) => {
  const parts = createPredictionParts(db);
  return {
    record: createLabels(db).record,
    /** None for a pipeline that declares no key. */
    keyColumns: async (pipeline: PipelineName): Promise<readonly string[]> => (await parts.keyColumns(pipeline))[pipeline] ?? [],
  };
};
