/** Predictions as a server logs them, and segments that hold them. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { sha256Of } from '../../../infra/objects/digest.ts';
import type { AnsweredRecord, PredictionRecord } from '../../../workflows/domain/contracts/capture.ts';
import type { Instant, PipelineName, VersionNumber } from '../../../workflows/domain/units.ts';

export const flights = 'flights' as PipelineName;
export const modelSha256 = sha256Of('model a');
export const instant = (text: string | number): Instant => new Date(text).toISOString() as Instant;

/** The id of the n-th prediction made at an instant: a UUID of version 7. */
export const idAt = (at: string, n: number): string => {
  const time = Date.parse(at).toString(16).padStart(12, '0');
  return `${time.slice(0, 8)}-${time.slice(8)}-7000-8000-${n.toString(16).padStart(12, '0')}`;
};

export const answered = (at: string, n: number, change: Partial<AnsweredRecord> = {}): AnsweredRecord => ({
  kind: 'answered',
  id: idAt(at, n),
  pipeline: flights,
  version: 1 as VersionNumber,
  modelSha256,
  generation: 1,
  arm: 'champion',
  shadow: false,
  at: instant(at),
  eventAt: instant(at),
  unit: null,
  prediction: 'true',
  scores: [0.7],
  inputs: { origin: 'SFO', distance: 100 + n },
  views: { origin_7d: { late_rate: 0.25 } },
  ...change,
});

export const refused = (at: string, n: number): PredictionRecord => ({
  kind: 'refused',
  id: idAt(at, n),
  pipeline: flights,
  generation: 1,
  arm: null,
  at: instant(at),
  status: 422,
  code: 'PRN_SERVING_REQUEST',
  message: 'Cannot predict: "origin" is required',
});

export const linesOf = (records: readonly PredictionRecord[]): string =>
  records.map((record) => `${JSON.stringify(record)}\n`).join('');

export const writeSegment = (file: string, records: readonly PredictionRecord[], tail = ''): void => {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, linesOf(records) + tail);
};
