/** The log of predictions as a reader finds it. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  type AnsweredRecord,
  type PredictionRecord,
  predictionRecordSchema,
} from '../../../workflows/domain/contracts/capture.ts';

/** Every line below a folder, open segments included; each must be what the contract says. */
export const readLog = (folder: string): PredictionRecord[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.ndjson(\.open)?$/.test(name))
    .toSorted()
    .flatMap((name) => readFileSync(join(folder, name), 'utf8').split('\n').slice(0, -1))
    .map((line) => predictionRecordSchema.parse(JSON.parse(line)));

export const answeredIn = (folder: string): AnsweredRecord[] =>
  readLog(folder).filter((record): record is AnsweredRecord => record.kind === 'answered');
