import { globSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { Scenario } from './scenario.ts';

const folder = join(import.meta.dirname, 'scenarios');

/** Names of the files in `scenarios/`. */
export const topics: readonly string[] = globSync('*.ts', { cwd: folder })
  .map((file) => basename(file, '.ts'))
  .sort();

export const scenariosOf = async (topic: string): Promise<readonly Scenario[]> => {
  const { scenarios } = (await import(join(folder, `${topic}.ts`))) as { scenarios: readonly Scenario[] };
  return scenarios;
};
