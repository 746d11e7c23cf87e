import { metricNames } from '#domain/contracts/pipeline-spec/training.ts';

/**
 * Metrics as people look for them: `first`, which decides, then the best known. PostgreSQL gives them back by the length of
 * their names.
 */
export const metricsInOrder = (metrics: Readonly<Record<string, number>>, first: string | null = null): [string, number][] => {
  const place = (name: string): number => (name === first ? -1 : (metricNames as readonly string[]).indexOf(name) >>> 0);
  return Object.entries(metrics).sort(([a], [b]) => place(a) - place(b));
};
