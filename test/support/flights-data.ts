import type { PipelineFile } from '#domain/contracts/pipeline-spec/pipeline-spec.ts';

/** Flights as tests and benches declare them: what was known at departure, and a label that is known a day later. */
export const flightsData = (
  source: string,
  lateSql: string,
  more: PipelineFile['data']['columns'] = {},
): PipelineFile['data'] => ({
  source,
  event_time: 'date',
  label: { name: 'late', sql: lateSql, known_after: '1d' },
  columns: {
    date: { type: 'timestamp' },
    delay: { type: 'integer', role: 'outcome' },
    distance: { type: 'integer' },
    origin: { type: 'category' },
    destination: { type: 'category' },
    ...more,
  },
});
