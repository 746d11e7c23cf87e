/**
 * Validation of all 3,000,000 flights (schema, and expectations per row, per day and per route) against the one DuckDB
 * statement, written by hand, that checks the same over the same parts. Parameters: [turns, 7].
 */
import { dirname } from 'node:path';
import type { Batch } from '#domain/contracts/dataset.ts';
import { withDuckDb } from '../../infra/tabular/duckdb.ts';
import { quoteTexts } from '../../infra/tabular/sql.ts';
import {
  benchLimits,
  compare,
  flightsParquet,
  flightsPipeline,
  timed,
  withBenchPlace,
} from '../activities/support/data-bench.ts';

const checks = [
  { name: 'rows per day', sql: 'count(*) >= 1000', per: 'day' as const, severity: 'fail' as const },
  { name: 'no flight to itself', sql: 'origin <> destination', severity: 'warn' as const },
];

const oneStatement = (files: readonly string[]): string => {
  const rows = `read_parquet(${quoteTexts(files)})`;
  return `SELECT count(*), count(date), count(delay), min(delay), max(delay), count(distance), min(distance), max(distance),
    count(origin), count(destination), count(late), min(late), max(late), count(*) FILTER (NOT (origin <> destination)),
    (SELECT count(*) FILTER (n < 1000) FROM (SELECT count(*) AS n FROM ${rows} GROUP BY date::DATE)) FROM ${rows}`;
};

export const run = (parameters: readonly string[]): Promise<void> =>
  withBenchPlace(async (steps, folder) => {
    const input = await steps.prepare(flightsPipeline(flightsParquet, checks));
    const { batchSha256 } = await steps.ingest(input);
    const batch = await steps.json<Batch>(batchSha256);
    const files = await Promise.all(batch.parts.map((part) => steps.deps.content.localFile(part.sha256)));
    const allowedFolders = [...new Set(files.map((file) => dirname(file)))];
    await compare({
      named: 'one DuckDB statement',
      turns: Number(parameters[0] ?? 7),
      goal: 2,
      theirs: () => timed(() => withDuckDb({ folder, ...benchLimits, allowedFolders }, (db) => db.rows(oneStatement(files)))),
      ours: async () => {
        await steps.db.deleteFrom('step_results').where('step', '=', 'validateBatch').execute();
        return timed(() => steps.validate({ ...input, batchSha256 }));
      },
    });
  });
