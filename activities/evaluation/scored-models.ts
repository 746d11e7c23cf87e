/** Candidate and champion on the same rows of the hold-out, and the slices of it that the gate asks for. */
import type { Clusters } from '#domain/stats/comparison/clusters.ts';
import type { Scored } from '#domain/stats/metrics/scored.ts';
import { openNpyRows } from '../../infra/features/npy-rows.ts';
import type { OnnxSession } from '../../infra/onnx/session.ts';
import { withDuckDb } from '../../infra/tabular/duckdb.ts';
import type { CpuDeps } from '../deps.ts';
import type { StepContext } from '../step-context.ts';
import { toScored } from './answers.ts';
import type { Champion } from './champion.ts';
import { mayCluster, readClusters } from './clusters.ts';
import { openHoldout, readSlices, type SliceRows, scoreRawRows } from './hold-out.ts';
import { scoreMatrix } from './score.ts';
import type { Subject } from './subject.ts';

type Deps = Pick<CpuDeps, 'content' | 'scratch' | 'limits'>;

export type ScoredModels = {
  readonly candidateAnswers: Float32Array;
  readonly candidate: Scored;
  readonly champion: Scored | null;
  readonly slices: readonly SliceRows[];
  /** Rows by the values of each column of `gate.fairness`. */
  readonly groups: readonly SliceRows[];
  /** Rows that belong together; null where each counts for itself. */
  readonly clusters: Clusters | null;
};

export const scoreModels = async (
  deps: Deps,
  subject: Subject,
  session: OnnxSession,
  champion: Champion | null,
  context: StepContext | undefined,
): Promise<ScoredModels> => {
  const { frame, labels } = subject;
  const candidateAnswers = await scoreVectors(deps, subject, session, (rows) => context?.heartbeat({ stage: 'candidate', rows }));
  const raw = await readRaw(deps, subject, champion, context);
  const own = { data: candidateAnswers, width: session.outputWidth, classes: frame.classes };
  return {
    candidateAnswers,
    candidate: toScored(frame, labels, own, 'the candidate'),
    champion:
      champion === null || raw.answers === null ? null : toScored(frame, labels, answersOf(champion, raw.answers), champion.who),
    slices: raw.slices,
    groups: raw.groups,
    clusters: raw.clusters,
  };
};

const answersOf = (champion: Champion, data: Float32Array) => ({
  data,
  width: champion.session.outputWidth,
  classes: champion.modelPackage.classes,
});

const scoreVectors = async (
  deps: Deps,
  { frame }: Subject,
  session: OnnxSession,
  onRows: (rows: number) => void,
): Promise<Float32Array> => {
  const features = await openNpyRows(await deps.content.localFile(frame.holdout.features));
  try {
    return await scoreMatrix(session, features, onRows);
  } finally {
    await features.close();
  }
};

/** More values of a column than these are not groups that anybody compares. */
const mostGroups = 50;

type Raw = Pick<ScoredModels, 'slices' | 'groups' | 'clusters'> & { readonly answers: Float32Array | null };

/** Whatever needs the rows as they came. A champion with the same feature set is scored on the very same vectors. */
const readRaw = async (
  deps: Deps,
  subject: Subject,
  champion: Champion | null,
  context: StepContext | undefined,
): Promise<Raw> => {
  const { frame, gate, rowsTogether } = subject;
  const onRows = (rows: number) => context?.heartbeat({ stage: 'champion', rows });
  const sharesVectors = champion?.modelPackage.featureSetSha256 === frame.featureSetSha256;
  const shared = champion !== null && sharesVectors ? await scoreVectors(deps, subject, champion.session, onRows) : null;
  const needsRows = champion !== null && (!sharesVectors || gate.fairness.length > 0);
  if (gate.slices.length === 0 && !needsRows && !mayCluster(rowsTogether))
    return { answers: shared, slices: [], groups: [], clusters: null };
  const file = await deps.content.localFile(frame.holdout.raw);
  return deps.scratch.withFolder('evaluate', (folder) =>
    withDuckDb({ folder, ...deps.limits, allowedFolders: [file], signal: context?.signal }, async (db) => {
      const holdout = await openHoldout(db, file);
      const slices: SliceRows[] = [];
      for (const { by, top } of gate.slices) slices.push(...(await readSlices(db, holdout, by, top)));
      // A first champion is watched by them, though there is nobody to compare it with.
      const clusters = await readClusters(db, holdout, rowsTogether);
      if (champion === null) return { answers: null, slices, groups: [], clusters };
      const groups: SliceRows[] = [];
      for (const { by } of gate.fairness) groups.push(...(await readSlices(db, holdout, by, mostGroups)));
      const model = { ...champion, featureSetSha256: champion.modelPackage.featureSetSha256 };
      const answers = shared ?? (await scoreRawRows(db, holdout, model, frame.holdout.rows, onRows));
      return { answers, slices, groups, clusters };
    }),
  );
};
