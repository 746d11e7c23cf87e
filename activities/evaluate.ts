import type { HoldoutUse } from '#domain/contracts/evaluation-report.ts';
import type { Deployment } from '#domain/contracts/model-version.ts';
import { decideGate } from '#domain/decide/gate.ts';
import { openNpyRows } from '../infra/features/npy-rows.ts';
import { digestOfJson } from '../infra/objects/digest.ts';
import { admitModel } from '../infra/onnx/admit.ts';
import { type OnnxSession, openSession } from '../infra/onnx/session.ts';
import type { EvaluateSummary } from '../workflows/steps.ts';
import type { CpuDeps } from './deps.ts';
import { type Champion, openChampion } from './evaluation/champion.ts';
import { countHoldoutUse } from './evaluation/holdout-use.ts';
import { findUnlearned } from './evaluation/learned-rows.ts';
import { measureServed, writePackage } from './evaluation/package.ts';
import { completeProfile } from './evaluation/profile.ts';
import { requireSameQuestion } from './evaluation/question.ts';
import { buildReport } from './evaluation/report.ts';
import { scoreModels } from './evaluation/scored-models.ts';
import { type EvaluateInput, readSubject, type Subject } from './evaluation/subject.ts';
import { rememberStep } from './remember.ts';
import type { StepContext } from './step-context.ts';

type Deps = Pick<CpuDeps, 'ledger' | 'definitions' | 'deployments' | 'registry' | 'content' | 'scratch' | 'limits'>;

/** Part of the ledger's key: raise it whenever the same models on the same rows would be judged otherwise. */
const evaluationVersion = 4;

/** What the candidate meets: who serves now, and how often the hold-out was used before. */
type Opponent = { readonly deployment: Deployment; readonly holdoutUse: HoldoutUse | null };

/** The step `evaluateCandidate`; see the port. Heartbeats with the stage and its rows. */
export const createEvaluate =
  (deps: Deps) =>
  async (input: EvaluateInput, context?: StepContext): Promise<EvaluateSummary> => {
    const deployment = await deps.deployments.get(input.pipeline);
    const { definitionSha256, frameSha256, trainingResultSha256 } = input;
    // Before it counts as a use: another question spends nothing of what this hold-out can still show.
    if (deployment.champion !== null) await requireSameQuestion(deps, input, deployment.champion);
    const holdoutUse = deployment.champion === null ? null : await countHoldoutUse(deps, input);
    const key = digestOfJson({
      step: 'evaluateCandidate',
      version: evaluationVersion,
      definitionSha256,
      frameSha256,
      trainingResultSha256,
      deployment,
      holdoutUse,
    });
    // Remembered, because a report holds one thing that is never the same twice: how long an answer took.
    const work = () => evaluate(deps, input, { deployment, holdoutUse }, context);
    const summary = await rememberStep(deps, 'evaluateCandidate', key, ({ reportSha256 }: EvaluateSummary) => reportSha256, work);
    await deps.registry.recordEvaluation({
      sha256: summary.reportSha256,
      pipeline: input.pipeline,
      runKey: input.runKey,
      verdict: summary.verdict,
      decision: summary,
    });
    return summary;
  };

const evaluate = async (
  deps: Deps,
  input: EvaluateInput,
  opponent: Opponent,
  context: StepContext | undefined,
): Promise<EvaluateSummary> => {
  const subject = await readSubject(deps, input);
  const onnx = await deps.content.getBytes(subject.result.onnxSha256);
  await admitCandidate(deps, subject, onnx, context);
  const opened: Pick<OnnxSession, 'release'>[] = [];
  try {
    const session = await openSession(onnx);
    opened.push(session);
    const champion = await openChampion(deps, opponent.deployment);
    if (champion !== null) opened.push(champion.session);
    return await judge(deps, subject, session, { ...opponent, champion }, context);
  } finally {
    for (const session of opened) await session.release();
  }
};

/** Enough to meet missing values and rare branches; the job's line stays small. */
const admissionRows = 64;

/** The first run of a candidate is in a process of its own, on rows of its own hold-out. */
const admitCandidate = async (
  deps: Deps,
  { frame }: Subject,
  onnx: Uint8Array,
  context: StepContext | undefined,
): Promise<void> => {
  const features = await openNpyRows(await deps.content.localFile(frame.holdout.features));
  try {
    const count = Math.min(admissionRows, features.rows);
    const data = await features.read(0, count);
    const numbers = Array.from(data, (value) => (Number.isNaN(value) ? null : value));
    const vectors = Array.from({ length: count }, (_, row) =>
      numbers.slice(row * features.columns, (row + 1) * features.columns),
    );
    await admitModel(onnx, { vectors, width: features.columns, ...(context && { signal: context.signal }) });
  } finally {
    await features.close();
  }
};

const judge = async (
  deps: Deps,
  subject: Subject,
  session: OnnxSession,
  { champion, deployment, holdoutUse }: Opponent & { readonly champion: Champion | null },
  context: StepContext | undefined,
): Promise<EvaluateSummary> => {
  const models = await scoreModels(deps, subject, session, champion, context);
  const measured = await measureServed(deps, subject, session);
  const profileSha256 = await completeProfile(deps, subject, models, context);
  const against =
    champion === null || holdoutUse === null
      ? null
      : { champion, holdoutUse, ...(await findUnlearned(deps, subject, champion, context)) };
  const report = await buildReport(subject, models, against, measured, context);
  return {
    reportSha256: await deps.content.putJson({ ...report, profileSha256 }),
    modelSha256: await writePackage(deps, subject, session, models.candidateAnswers),
    championVersion: champion?.version ?? null,
    championGeneration: deployment.generation,
    metrics: { ...report.candidate },
    verdict: decideGate(report, subject.gate),
  };
};
