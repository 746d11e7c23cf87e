/** The checker: whether database, store and audit log agree, found without trusting the code that wrote them. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Kysely } from 'kysely';
import type { ObjectStore } from './objects/store.ts';
import { createAudit } from './postgres/audit.ts';
import { createRegistry } from './postgres/registry.ts';
import { lockForReading } from './postgres/retention.ts';
import { createSnapshots } from './postgres/snapshots.ts';
import type { Tables } from './postgres/tables.ts';
import { verifyAudit } from './verify/audit.ts';
import { verifyDeployments } from './verify/deployments.ts';
import type { Finding, VerifyDeps } from './verify/finding.ts';
import { verifyModels } from './verify/models.ts';
import { createObjectCheck } from './verify/objects.ts';
import { verifyShipped } from './verify/shipped.ts';
import { verifySnapshots } from './verify/snapshots.ts';

export type { Finding } from './verify/finding.ts';

/** In the order of the invariants; each has at least one finding, whether it holds or not. Reads every object once. */
const checks: readonly ((deps: VerifyDeps) => Promise<readonly Finding[]>)[] = [
  verifySnapshots,
  verifyShipped,
  verifyModels,
  verifyDeployments,
  verifyAudit,
];

const openDeps = (db: Kysely<Tables>, objects: ObjectStore, scratch: string): VerifyDeps => ({
  db,
  snapshots: createSnapshots(db),
  registry: createRegistry(db),
  audit: createAudit(db),
  check: createObjectCheck(objects, scratch),
});

const runChecks = async (deps: VerifyDeps): Promise<readonly Finding[]> => {
  const findings: Finding[] = [];
  for (const check of checks) findings.push(...(await check(deps)));
  return findings;
};

/** Reads one state of the database, and the store itself, never a cache of it. Changes nothing. */
export const verifyAll = async (world: { db: Kysely<Tables>; objects: ObjectStore }): Promise<readonly Finding[]> => {
  const scratch = await mkdtemp(join(tmpdir(), 'perennial-verify-'));
  const reading = world.db.transaction().setIsolationLevel('repeatable read').setAccessMode('read only');
  try {
    return await reading.execute(async (tx) => {
      await lockForReading(tx);
      return await runChecks(openDeps(tx, world.objects, scratch));
    });
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
};
