import { type DatasetManifest, datasetManifestSchema } from '#domain/contracts/dataset.ts';
import type { Sha256 } from '#domain/units.ts';
import { mapParallel } from '../objects/parallel.ts';
import type { SnapshotRecord } from '../postgres/snapshots.ts';
import { type Finding, findingsOf, type VerifyDeps } from './finding.ts';
import type { ObjectCheck } from './objects.ts';

/** Objects read at once: hashing is bound by cores, fetching by the network. */
const readers = 4;

const setAside = ({ quarantined, rejected }: DatasetManifest): Sha256[] =>
  [quarantined.sha256, rejected.sha256].filter((sha256) => sha256 !== null);

const totals = (snapshot: SnapshotRecord, manifest: DatasetManifest): string[] =>
  (
    [
      ['rows', snapshot.rows, manifest.rows],
      ['bytes', snapshot.bytes, manifest.bytes],
      ['parts', snapshot.partCount, manifest.parts.length],
    ] as const
  )
    .filter(([, recorded, is]) => recorded !== is)
    .map(([what, recorded, is]) => `${what} must be as recorded, ${recorded}: the manifest has ${is}`);

const partProblems = async (check: ObjectCheck, manifest: DatasetManifest): Promise<string[]> => {
  const problems = await mapParallel(manifest.parts, readers, async (part) => {
    const { bytes, problem } = await check.look(part.sha256);
    if (problem !== null) return [`part "${part.partition}": ${problem}`];
    return bytes === part.bytes ? [] : [`part "${part.partition}" must have ${part.bytes} bytes: it has ${bytes}`];
  });
  return problems.flat();
};

const problemsOf = async (check: ObjectCheck, snapshot: SnapshotRecord): Promise<string[]> => {
  const { problem } = await check.look(snapshot.sha256);
  if (problem !== null) return [`manifest: ${problem}`];
  const parsed = datasetManifestSchema.safeParse(await check.json(snapshot.sha256));
  if (!parsed.success) return [`its manifest must have the form of format 1: ${parsed.error.issues[0]?.message}`];
  const aside = await Promise.all(setAside(parsed.data).map((sha256) => check.look(sha256)));
  return [
    ...totals(snapshot, parsed.data),
    ...(await partProblems(check, parsed.data)),
    ...aside.flatMap((one) => (one.problem === null ? [] : [`rows set aside: ${one.problem}`])),
  ];
};

/** I1: what was frozen and is kept is all there, and is what it was. */
export const verifySnapshots = async ({ snapshots, check }: VerifyDeps): Promise<readonly Finding[]> => {
  const broken: { subject: string; statement: string }[] = [];
  const all = (await snapshots.list()).filter(({ collectedAt }) => collectedAt === null);
  for (const snapshot of all) {
    const subject = `${snapshot.pipeline}/${snapshot.sha256.slice(0, 12)}`;
    for (const problem of await problemsOf(check, snapshot))
      broken.push({ subject, statement: `Snapshot ${subject}: ${problem}` });
  }
  const { objects, bytes } = check.looked();
  return findingsOf('I1', broken, `All ${all.length} snapshots are whole: ${objects} objects, ${bytes} bytes read and hashed`);
};
