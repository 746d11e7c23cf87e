/**
 * One run: data in, verdict out. See `retrain` at the end for the story.
 */
import {
  allHandlersFinished,
  CancellationScope,
  condition,
  isCancellation,
  log,
  patched,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import type { RetrainOutcome, RetrainPlan, RetrainRequest } from '#domain/contracts/retrain.ts';
import type { RunOutcome, Verdict } from '#domain/contracts/verdict.ts';
import { acceptData } from '#domain/decide/accept-data.ts';
import type { NoticeEvent } from '#domain/notice-events.ts';
import type { Sha256, VersionNumber } from '#domain/units.ts';
import { type ApprovalDesk, openApprovalDesk } from './approval.ts';
import { asRunFailure, failure, isFailure, messageOf } from './failures.ts';
import { rolloutMovedSignal, statusQuery } from './messages.ts';
import { promoteDirectly } from './promote-directly.ts';
import { alreadyChampion, rollOutCandidate } from './roll-out-candidate.ts';
import { tellOfRun } from './run-notices.ts';
import type { RunRef } from './run-ref.ts';
import { createStageBoard, type StageBoard } from './stage-board.ts';
import { dataSteps, quickSteps } from './step-options.ts';
import type { EvaluateSummary, FeaturesSummary, FreezeSummary, TrainSummary } from './steps.ts';
import { tellWatch } from './tell-watch.ts';
import { trainOnGpu } from './train-on-gpu.ts';

/** What a run knows of itself so far; its record is written from this, however it ends. */
type Findings = {
  plan: RetrainPlan;
  ref: RunRef;
  gate: Verdict | null;
  dataVersion: Sha256 | null;
  modelVersion: VersionNumber | null;
  metrics: Readonly<Record<string, number>>;
};
type Ending = {
  readonly verdict: RunOutcome;
  readonly reason: string;
  /** What people are told of it; absent where somebody else tells: a rollout of its own end, the watch of runs that failed. */
  readonly news?: NoticeEvent;
};
type Candidate = FreezeSummary & FeaturesSummary & TrainSummary & EvaluateSummary;

/** Version markers: runs that began before a change go on as they began. */
const rollsOut = 'roll-out';
const tellsWatch = 'tell-watch';
const publishesFrozen = 'publish-after-freeze';

const short = (digest: string): string => digest.slice(0, 12);
const count = (n: number, what: string): string => `${String(n).replace(/\B(?=(\d{3})+$)/g, ',')} ${what}${n === 1 ? '' : 's'}`;

/** Ingest, validate, freeze. A batch that breaks a check of severity "fail" is an answer, not an error. */
const bringData = async (found: Findings, board: StageBoard): Promise<FreezeSummary | Verdict> => {
  const { ref, plan } = found;
  const batch = await board.take(
    'ingest',
    () =>
      dataSteps.ingestSources.executeWithOptions({ summary: `ingest the sources of ${ref.pipeline}` }, [
        { ...ref, listingSha256: plan.listingSha256, cutoff: plan.cutoff },
      ]),
    (result) =>
      `${count(result.rows, 'row')}, ${result.rejectedRows} rejected; ${result.newParts} of ${count(result.parts, 'part')} new`,
  );
  const { report, verdict } = await board.take(
    'validate',
    async () => {
      const summary = { summary: `check batch ${short(batch.batchSha256)}` };
      const validated = await dataSteps.validateBatch.executeWithOptions(summary, [{ ...ref, batchSha256: batch.batchSha256 }]);
      return { report: validated, verdict: acceptData(validated) };
    },
    (result) => result.verdict.reason,
  );
  if (verdict.outcome !== 'pass') return verdict;
  const snapshot = await board.take(
    'freeze',
    () =>
      dataSteps.freezeSnapshot.executeWithOptions({ summary: `freeze batch ${short(batch.batchSha256)}` }, [
        { ...ref, batchSha256: batch.batchSha256, reportSha256: report.reportSha256, cutoff: plan.cutoff },
      ]),
    (result) => `data version ${short(result.snapshotSha256)}; ${count(result.sharedParts, 'part')} shared`,
  );
  found.dataVersion = snapshot.snapshotSha256;
  board.snapshot(snapshot.snapshotSha256);
  return snapshot;
};

/** What serves looks up values as new as the data, whatever becomes of the candidate; without them it keeps those it has. */
const publishServed = async ({ ref }: Findings, { snapshotSha256 }: FreezeSummary): Promise<void> => {
  try {
    const summary = `newest values of data version ${short(snapshotSha256)} for what serves`;
    await dataSteps.publishServed.executeWithOptions({ summary }, [{ ...ref, snapshotSha256 }]);
  } catch (error) {
    if (isCancellation(error) || !isFailure(error)) throw error;
    log.warn('newest values not published', { reason: messageOf(error) });
  }
};

/** Features, training on the GPU queue, evaluation, gate. */
const makeCandidate = async (found: Findings, board: StageBoard, snapshot: FreezeSummary): Promise<Candidate> => {
  const { ref, plan } = found;
  const frame = await board.take(
    'features',
    () =>
      dataSteps.buildFeatures.executeWithOptions({ summary: `features of data version ${short(snapshot.snapshotSha256)}` }, [
        { ...ref, snapshotSha256: snapshot.snapshotSha256 },
      ]),
    (result) =>
      `${count(result.columns, 'column')}; ${count(result.trainRows, 'row')} to learn from, ${result.holdoutRows} held out`,
  );
  const trained = await board.take(
    'train',
    () => trainOnGpu(plan, { ...ref, frameSha256: frame.frameSha256, timeoutMs: plan.trainTimeoutMs }, board),
    (result) => `${plan.trainer}; training key ${short(result.trainingKey)}`,
  );
  const evaluated = await board.take(
    'evaluate',
    () =>
      dataSteps.evaluateCandidate.executeWithOptions(
        { summary: `candidate ${short(trained.trainingKey)} against the champion` },
        [{ ...ref, frameSha256: frame.frameSha256, trainingResultSha256: trained.resultSha256 }],
      ),
    (result) => `against ${result.championVersion === null ? 'no champion' : `version ${result.championVersion}`}`,
  );
  found.metrics = evaluated.metrics;
  found.gate = evaluated.verdict;
  await board.take(
    'gate',
    async () => evaluated.verdict,
    (verdict) => `${verdict.outcome}: ${verdict.reason}`,
  );
  return { ...snapshot, ...frame, ...trained, ...evaluated };
};

const register = async (found: Findings, board: StageBoard, candidate: Candidate): Promise<VersionNumber> => {
  const registered = await board.take(
    'register',
    () =>
      dataSteps.registerCandidate.executeWithOptions({ summary: `register candidate ${short(candidate.trainingKey)}` }, [
        {
          ...found.ref,
          codeVersion: found.plan.codeVersion,
          snapshotSha256: candidate.snapshotSha256,
          frameSha256: candidate.frameSha256,
          trainingResultSha256: candidate.resultSha256,
          evaluationSha256: candidate.reportSha256,
          modelSha256: candidate.modelSha256,
        },
      ]),
    (result) => `version ${result.version}`,
  );
  found.modelVersion = registered.version;
  return registered.version;
};

/** Asks a person where the pipeline wants that. Null means: go on. */
const askForApproval = async (found: Findings, board: StageBoard, desk: ApprovalDesk): Promise<Ending | null> => {
  const withinMs = found.plan.approvalWithinMs;
  if (withinMs === null) return null;
  const ask = async (): Promise<Ending | null> => {
    const until = new Date(Date.now() + withinMs).toISOString();
    board.waitFor('approve', `Version ${found.modelVersion} waits for approvePromotion or rejectPromotion until ${until}`);
    const told = `version ${found.modelVersion} waits until ${until} for somebody to approve or reject it`;
    // Beside each other: whoever answers at once is not refused because others are still being told.
    const [answer] = await Promise.all([desk.ask(withinMs), tellOfRun(found.ref, 'waiting for approval', told)]);
    board.waitFor('approve', null);
    if (answer === null) {
      const reason = `Nobody approved version ${found.modelVersion} by ${until}; the champion stays`;
      return { verdict: 'held', reason, news: 'held' };
    }
    if (answer.approved) return null;
    const reason = `${answer.by} rejected version ${found.modelVersion}: ${answer.reason}`;
    return { verdict: 'rejected', reason, news: 'rejected' };
  };
  return board.take('approve', ask, (ending) => ending?.reason ?? 'approved');
};

const publishAndPromote = async (
  found: Findings,
  board: StageBoard,
  candidate: Candidate,
  version: VersionNumber,
): Promise<Ending> => {
  const { ref } = found;
  const { snapshotSha256, featureSetSha256 } = candidate;
  // Before the promotion: a server that switches must find the values that the new version looks up.
  await board.take(
    'publish',
    () =>
      dataSteps.publishFeatures.executeWithOptions({ summary: `online features of data version ${short(snapshotSha256)}` }, [
        { ...ref, snapshotSha256, featureSetSha256 },
      ]),
    (result) => count(result.rows, 'online value'),
  );
  return promote(found, board, candidate, version);
};

/** A first champion is compared with nobody: it takes all traffic at once. Any other is rolled out beside the champion. */
const promote = async (found: Findings, board: StageBoard, candidate: Candidate, version: VersionNumber): Promise<Ending> => {
  const { ref, plan } = found;
  const { verdict, championVersion } = candidate;
  if (championVersion !== null && patched(rollsOut)) {
    const wanted = { ref, version, championVersion, by: plan.trigger.by, reason: verdict.reason };
    return board.take(
      'promote',
      // The same training gives the same version: asked for again, it may be the one that serves.
      async () => (version === championVersion ? alreadyChampion(wanted) : rollOutCandidate(wanted)),
      (ending) => ending.reason,
    );
  }
  const promotion = {
    ...ref,
    version,
    expectedGeneration: candidate.championGeneration,
    by: plan.trigger.by,
    reason: verdict.reason,
  };
  const promoted = await board.take(
    'promote',
    () => promoteDirectly(plan, promotion),
    (result) => result.reason,
  );
  return { verdict: 'promoted', reason: `${verdict.reason}; ${promoted.reason}`, news: 'promoted' };
};

/** A candidate that the gate does not pass leaves its evaluation behind and is not registered. */
const judgeCandidate = async (found: Findings, board: StageBoard, desk: ApprovalDesk, candidate: Candidate): Promise<Ending> => {
  const { outcome, reason } = candidate.verdict;
  if (outcome === 'fail') return { verdict: 'rejected', reason, news: 'rejected' };
  if (outcome === 'inconclusive') return { verdict: 'inconclusive', reason };
  if (outcome === 'error') throw failure('PRN_EVALUATION', `Cannot compare candidate and champion: ${reason}`);
  const version = await register(found, board, candidate);
  return (await askForApproval(found, board, desk)) ?? publishAndPromote(found, board, candidate, version);
};

const runStages = async (found: Findings, board: StageBoard, desk: ApprovalDesk): Promise<Ending> => {
  const snapshot = await bringData(found, board);
  if ('outcome' in snapshot) return { verdict: 'rejected', reason: snapshot.reason, news: 'rejected' };
  // As of an instant in the past is not what a request should see.
  if (found.plan.cutoff === null && patched(publishesFrozen)) await publishServed(found, snapshot);
  return judgeCandidate(found, board, desk, await makeCandidate(found, board, snapshot));
};

const admit = async (request: RetrainRequest, board: StageBoard): Promise<Findings> => {
  const ask = () => quickSteps.admitRetrain.executeWithOptions({ summary: 'parse and record the request' }, [request]);
  const plan = await board.take('admit', ask, (result) => `run ${result.runKey}`);
  board.admitted(plan);
  const { pipeline, runKey, definitionSha256 } = plan;
  return { plan, ref: { pipeline, runKey, definitionSha256 }, gate: null, dataVersion: null, modelVersion: null, metrics: {} };
};

/** Writes the end of a run where it is kept for good. Shielded: a cancelled run has an end too. */
const finish = (found: Findings, board: StageBoard, { verdict, reason, news }: Ending): Promise<RetrainOutcome> =>
  CancellationScope.nonCancellable(async () => {
    const { plan, gate, dataVersion, modelVersion, metrics } = found;
    const { workflowId } = workflowInfo();
    const outcome = {
      workflowId,
      runKey: plan.runKey,
      pipeline: plan.pipeline,
      verdict,
      reason,
      gate,
      dataVersion,
      modelVersion,
      metrics,
    };
    board.conclude(verdict, reason);
    await board.settled();
    await quickSteps.finishRun.executeWithOptions({ summary: `record: ${verdict}` }, [outcome]);
    if (patched(tellsWatch)) await tellWatch(outcome);
    if (news !== undefined) await tellOfRun(found.ref, news, reason);
    return outcome;
  });

const whyFailed = (error: unknown): string => {
  if (isCancellation(error)) return 'Cancelled';
  const { type, message } = asRunFailure(error);
  return `${type}: ${message}`;
};

const asThrown = (error: unknown): unknown => (isCancellation(error) || !isFailure(error) ? error : asRunFailure(error));

/**
 * Keeps one pipeline's model fresh, once: admit, ingest, validate, freeze, features, train, evaluate, gate, register,
 * approve, publish, promote. What serves gets the newest values of its views right after the freeze. A run that ends promoted, rejected, inconclusive or held is completed; one that could not
 * decide fails with the code of the step that stopped it, after its end is recorded. Cancelled at any stage, it stops the
 * step in work and leaves the champion that it found.
 *
 * Where a champion serves, the promotion is a rollout, a child workflow that is told to take the candidate back when this
 * run is cancelled. Its end is this run's: promoted, or rejected with the reason of the roll-back.
 *
 * Messages: query `status`; updates `approvePromotion` and `rejectPromotion` while it waits for a person; signal
 * `rolloutMoved` from its rollout. It tells the watch of its pipeline, if there is one, that it ended.
 * It does not continue as new: a run has a few hundred events. Order and names of steps, timers and waits may not be
 * changed without a version marker.
 */
export async function retrain(request: RetrainRequest): Promise<RetrainOutcome> {
  const board = createStageBoard();
  const desk = openApprovalDesk(() => board.status());
  setHandler(rolloutMovedSignal, ({ text }) => board.tell('promote', text), {
    description: 'Where the rollout of the candidate stands',
  });
  setHandler(statusQuery, () => board.status(), { description: 'Stages of this run so far, and what it waits for' });
  const found = await admit(request, board).catch((error: unknown) => {
    throw asThrown(error);
  });
  try {
    const ending = await runStages(found, board, desk);
    // Shielded: a verdict that stands, such as a promotion, is recorded although the run is cancelled by now.
    await CancellationScope.nonCancellable(() => condition(allHandlersFinished));
    return await finish(found, board, ending);
  } catch (error) {
    if (!isFailure(error)) throw error;
    await finish(found, board, { verdict: 'failed', reason: whyFailed(error) });
    throw asThrown(error);
  }
}
