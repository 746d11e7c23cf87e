/**
 * `repeat-flights.ts FILE TIMES`: writes the flights again and again, half a year later each time. A program of its own:
 * a bench that made its input itself would report the memory of that, too.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { withDuckDb } from '../../../infra/tabular/duckdb.ts';
import { quoteText } from '../../../infra/tabular/sql.ts';
import { benchLimits, flightsParquet } from '../../activities/support/data-bench.ts';

const [file = '', times = ''] = process.argv.slice(2);
const rows = `SELECT date + to_days((time * 182)::INTEGER) AS date, delay, distance, origin, destination
  FROM range(${Number(times)}) t(time), read_parquet(${quoteText(flightsParquet)}) ORDER BY time, date`;

const folder = mkdtempSync(join(tmpdir(), 'perennial-repeat-'));
try {
  const limits = { ...benchLimits, memoryMiB: 4096, allowedFolders: [dirname(flightsParquet), dirname(file)] };
  await withDuckDb({ folder, ...limits }, (db) =>
    db.run(`COPY (${rows}) TO ${quoteText(file)} (FORMAT parquet, COMPRESSION zstd)`),
  );
} finally {
  rmSync(folder, { recursive: true, force: true });
}
