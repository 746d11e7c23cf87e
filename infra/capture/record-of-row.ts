/** Rows of shipped Parquet back to the records that a server logged. */
import { type PredictionRecord, predictionRecordSchema } from '#domain/contracts/capture.ts';
import type { DuckRow } from '../tabular/duckdb.ts';

/** Columns of a shipped row; see `convert-segments.ts`. */
export type ShippedRow = DuckRow;

const instant = (value: unknown): string | null => (value instanceof Date ? value.toISOString() : null);

/** The record of a row; throws ZodError for what is none. */
export const recordOfRow = (row: ShippedRow): PredictionRecord => {
  const { kind, id, pipeline, generation, arm } = row;
  const common = { kind, id, pipeline, generation, arm, at: instant(row['at']) };
  if (kind === 'refused') {
    const { status, code, message } = row;
    return predictionRecordSchema.parse({ ...common, status, code, message });
  }
  return predictionRecordSchema.parse({
    ...common,
    version: row['version'],
    modelSha256: row['model_sha256'],
    shadow: row['shadow'],
    eventAt: instant(row['event_at']),
    unit: row['unit'],
    prediction: JSON.parse(row['prediction'] as string),
    scores: row['scores'],
    inputs: JSON.parse(row['inputs'] as string),
    views: JSON.parse(row['views'] as string),
  });
};
