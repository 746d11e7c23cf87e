/** Candidate and champion on the same rows of the hold-out, and the slices of it that the gate asks for. */
import type { Scored } from '#domain/stats/metrics/scored.ts';
import { openNpyRows } from '../../infra/features/npy-rows.ts';
import type { OnnxSession } from '../../infra/onnx/session.ts';
import { withDuckDb } from '../../infra/tabular/duckdb.ts';
import type { CpuDeps } from '../deps.ts';
import type { StepContext } from '../step-context.ts';
import { toScored } from './answers.ts';
import type { Champion } from './champion.ts';
import { openHoldout, readSlices, type SliceRows, scoreRawRows } from './hold-out.ts';
import { scoreMatrix } from './score.ts';
import type { Subject } from './subject.ts';

type Deps = Pick<CpuDeps, 'content' | 'scratch' | 'limits'>;

export type ScoredModels = {
  readonly candidateAnswers: Float32Array;
  readonly candidate: Scored;
  readonly champion: Scored | null;
  readonly slices: readonly SliceRows[];
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

type Raw = { readonly answers: Float32Array | null; readonly slices: readonly SliceRows[] };

/** Whatever needs the rows as they came. A champion with the same feature set is scored on the very same vectors. */
const readRaw = async (
  deps: Deps,
  subject: Subject,
  champion: Champion | null,
  context: StepContext | undefined,
): Promise<Raw> => {
  const { frame, gate } = subject;
  const onRows = (rows: number) => context?.heartbeat({ stage: 'champion', rows });
  const sharesVectors = champion?.modelPackage.featureSetSha256 === frame.featureSetSha256;
  const shared = champion !== null && sharesVectors ? await scoreVectors(deps, subject, champion.session, onRows) : null;
  if (gate.slices.length === 0 && (champion === null || sharesVectors)) return { answers: shared, slices: [] };
  const file = await deps.content.localFile(frame.holdout.raw);
  return deps.scratch.withFolder('evaluate', (folder) =>
    withDuckDb({ folder, ...deps.limits, allowedFolders: [file], signal: context?.signal }, async (db) => {
      const holdout = await openHoldout(db, file);
      const slices: SliceRows[] = [];
      for (const { by, top } of gate.slices) slices.push(...(await readSlices(db, holdout, by, top)));
      if (champion === null || shared !== null) return { answers: shared, slices };
      const model = { ...champion, featureSetSha256: champion.modelPackage.featureSetSha256 };
      return { answers: await scoreRawRows(db, holdout, model, frame.holdout.rows, onRows), slices };
    }),
  );
};
