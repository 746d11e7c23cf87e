/** Predictions as a server ships them, in a store and a database. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { PredictionRecord } from '#domain/contracts/capture.ts';
import type { Instant, PipelineName } from '#domain/units.ts';
import { convertSegments } from '../../../infra/capture/convert/convert-segments.ts';
import { createPredictionParts } from '../../../infra/postgres/prediction-parts.ts';
import { writeSegment } from '../../infra/capture/records.ts';
import type { StoredStory } from './store.ts';

export const shipPredictions = async ({ db, content }: StoredStory, folder: string, records: readonly PredictionRecord[]) => {
  const file = join(folder, '000001.ndjson');
  writeSegment(file, records);
  const out = join(folder, 'converted');
  mkdirSync(out);
  const segment = { file, epoch: 'first', segment: 1 };
  const [converted] = await convertSegments({ segments: [segment], folder: out, memoryMiB: 128, keys: {} });
  for (const part of converted?.parts ?? []) {
    const { sha256, bytes } = await content.putFile(part.file);
    const { pipeline, hour, firstEventAt, lastEventAt } = part as typeof part & Record<string, Instant>;
    await createPredictionParts(db).record([
      {
        ...{ sha256, bytes, rows: part.rows, epoch: 'first', segment: 1, serverId: 'here:8080' },
        pipeline: pipeline as PipelineName,
        hour: hour as Instant,
        firstEventAt: firstEventAt as Instant | null,
        lastEventAt: lastEventAt as Instant | null,
      },
    ]);
  }
};
