import type { Sha256 } from '#domain/units.ts';
import { mapParallel } from '../objects/parallel.ts';
import { type Finding, findingsOf, type VerifyDeps } from './finding.ts';

/** As for snapshots: hashing is bound by cores, fetching by the network. */
const readers = 4;

type Named = { readonly what: string; readonly sha256: Sha256; readonly bytes: number | null };

const partsOf = async ({ db }: VerifyDeps): Promise<Named[]> => {
  const parts = db
    .selectFrom('prediction_parts')
    .select(['pipeline', 'hour', 'server_id', 'epoch', 'segment', 'sha256', 'bytes']);
  const rows = await parts.orderBy('pipeline').orderBy('hour').orderBy('server_id').orderBy('epoch').orderBy('segment').execute();
  return rows.map((row) => ({
    what: `predictions of "${row.pipeline}" at ${row.hour.toISOString()}, segment ${row.segment} of ${row.server_id}`,
    sha256: row.sha256 as Sha256,
    bytes: Number(row.bytes),
  }));
};

const reportsOf = async ({ db }: VerifyDeps): Promise<Named[]> => {
  const reports = db.selectFrom('watch_reports').select(['pipeline', 'kind', 'window_from', 'sha256']);
  const rows = await reports.orderBy('pipeline').orderBy('kind').orderBy('window_from').orderBy('profile_sha256').execute();
  return rows.map((row) => ({
    what: `${row.kind} report of "${row.pipeline}" on the window from ${row.window_from.toISOString()}`,
    sha256: row.sha256 as Sha256,
    bytes: null,
  }));
};

/** I1, of what servers shipped and watches found: it is all there, and is what it was. */
export const verifyShipped = async (deps: VerifyDeps): Promise<readonly Finding[]> => {
  const [parts, reports] = [await partsOf(deps), await reportsOf(deps)];
  const problems = await mapParallel([...parts, ...reports], readers, async ({ what, sha256, bytes }) => {
    const found = await deps.check.look(sha256);
    const size = bytes === null || found.bytes === bytes ? null : `it must have ${bytes} bytes: it has ${found.bytes}`;
    const problem = found.problem ?? size;
    return problem === null ? [] : [{ subject: sha256.slice(0, 12), statement: `The ${what}: ${problem}` }];
  });
  const summary = `All ${parts.length} parts of shipped predictions and ${reports.length} reports of watches are whole`;
  return findingsOf('I1', problems.flat(), summary);
};
