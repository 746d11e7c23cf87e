import { metricNames } from '#domain/contracts/pipeline-spec/training.ts';

/** Metrics as people look for them: the best known first. PostgreSQL gives them back by the length of their names. */
export const inOrder = (metrics: Readonly<Record<string, number>>): [string, number][] => {
  const place = (name: string) => (metricNames as readonly string[]).indexOf(name) >>> 0;
  return Object.entries(metrics).sort(([a], [b]) => place(a) - place(b));
};
