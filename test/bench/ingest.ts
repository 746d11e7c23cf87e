/**
 * Ingest of all 3,000,000 flights into a new store against the one DuckDB statement that types, labels, sorts and writes
 * the same rows by day; and the worker's memory at that size and at N times the rows.
 * Parameters: [turns, 3] [times the rows for the memory, 1].
 */
import { mkdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createIngest } from '../../activities/ingest.ts';
import { withDuckDb } from '../../infra/tabular/duckdb.ts';
import { quoteText } from '../../infra/tabular/sql.ts';
import {
  benchLimits,
  compare,
  flightsParquet,
  flightsPipeline,
  peakMemoryOf,
  repeatFlights,
  timed,
  withBenchPlace,
} from '../activities/support/data-bench.ts';

const oneStatement = (to: string): string => `COPY (
  SELECT date, delay, distance, origin, destination, delay > 15 AS late, date::DATE AS day FROM ${quoteText(flightsParquet)}
  WHERE delay BETWEEN -120 AND 2000 AND distance BETWEEN 1 AND 6000 ORDER BY date, delay, distance, origin, destination
) TO ${quoteText(to)} (FORMAT parquet, COMPRESSION zstd, PARTITION_BY (day), OVERWRITE_OR_IGNORE)`;

export const run = (parameters: readonly string[]): Promise<void> =>
  withBenchPlace(async (steps, folder, freshStore) => {
    const [turns, times] = [Number(parameters[0] ?? 3), Number(parameters[1] ?? 1)];
    const input = await steps.prepare(flightsPipeline(flightsParquet));
    const forget = () => steps.db.deleteFrom('step_results').execute();
    const out = join(folder, 'one');
    await compare({
      named: 'one DuckDB statement',
      turns,
      goal: 1.5,
      theirs: async () => {
        mkdirSync(out);
        const options = { folder, ...benchLimits, allowedFolders: [out, dirname(flightsParquet)] };
        const timing = await timed(() => withDuckDb(options, (db) => db.run(oneStatement(out))));
        rmSync(out, { recursive: true });
        return timing;
      },
      ours: async () => {
        await forget();
        // The listing lies in the first store; a new one holds nothing but it.
        const deps = freshStore();
        await deps.content.putJson(await steps.json(input.listingSha256));
        return timed(() => createIngest(deps)(input));
      },
    });
    const many = await steps.prepare(flightsPipeline(repeatFlights(folder, times)));
    await forget();
    const peak = await peakMemoryOf(() => steps.ingest(many));
    process.stdout.write(`resident memory at ${3 * times} million rows: ${(peak / 1e6).toFixed(0)} MB (goal under 1500)\n`);
  });
