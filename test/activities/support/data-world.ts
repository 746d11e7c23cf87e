/** The data steps on the shared test servers, and small pipelines to feed them. */
import type { PipelineFile } from '#domain/contracts/pipeline-spec/pipeline-spec.ts';
import { testDatabase, testFolder, testStore } from '../../support/servers.ts';
import { openDataSteps } from './data-steps.ts';

export const openDataWorld = async (limits = { memoryMiB: 512, threads: 2 }) => {
  const [database, stored, place] = [await testDatabase(), testStore(), testFolder()];
  const steps = openDataSteps(
    { databaseUrl: database.url, folder: place.folder, objects: stored.store, content: stored.content },
    limits,
  );
  const close = async () => {
    await steps.close();
    await database.close();
    stored.close();
    place.close();
  };
  return { ...steps, close };
};
export type DataWorld = Awaited<ReturnType<typeof openDataWorld>>;

/** A small pipeline of events; `more` replaces parts of its data. */
export const eventsFile = (path: string, more: Partial<PipelineFile['data']> = {}): PipelineFile => ({
  name: 'events',
  data: {
    source: path,
    event_time: 'at',
    label: { name: 'late', sql: 'delay > 15' },
    columns: {
      at: { type: 'timestamp' },
      delay: { type: 'integer', min: -100, max: 1000, role: 'outcome' },
      place: { type: 'category' },
    },
    rejected: { at_most: 1 },
    ...more,
  },
});

export const csvOf = (rows: readonly (readonly (string | number)[])[]): string =>
  `${['at,delay,place', ...rows.map((row) => row.join(','))].join('\n')}\n`;
