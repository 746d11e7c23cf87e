/** Composes all steps from what they need of the world. The names are frozen: they stand in histories. */
import type { CpuSteps, GpuSteps } from '../workflows/steps.ts';
import { createAdmitRetrain } from './admit.ts';
import { createBoundary } from './boundary.ts';
import type { CpuDeps, GpuDeps } from './deps.ts';
import { createEvaluate } from './evaluate.ts';
import { createBuildFeatures } from './features.ts';
import { createFreeze } from './freeze.ts';
import { createIngest } from './ingest.ts';
import { createRecordDecision, createRecordDecisions, createSendNotice } from './notify.ts';
import { createConfirmServing, createPromoteVersion, createRollBackPromotion } from './promote.ts';
import { createPublish, createPublishServed } from './publish.ts';
import { createCountPollers, createFinishRun, createRecordStage } from './record.ts';
import { createRefreshViews } from './refresh-views.ts';
import { createRegister } from './register.ts';
import { createExpireData } from './retention.ts';
import {
  createBeginRollout,
  createEndRollout,
  createRestoreChampion,
  createShiftTraffic,
  createUndoPromotion,
} from './rollout/change.ts';
import { createCountHarm } from './rollout/harm.ts';
import { createObserveRollout } from './rollout/observe.ts';
import { createPlanRollout } from './rollout/plan.ts';
import { createPlanRollBack } from './rollout/plan-roll-back.ts';
import type { StepContext } from './step-context.ts';
import { createTrain } from './train.ts';
import { createTurnstile } from './turnstile.ts';
import { createValidate } from './validate.ts';
import { createAskWatch } from './watch/ask-watch.ts';
import { measurePerformance } from './watch/measure-performance.ts';
import { measureSkew } from './watch/measure-skew.ts';
import { createMeasureWatch } from './watch/measure-watch.ts';
import { createOpenWatch } from './watch/open-watch.ts';
import { createPrepareRetrain } from './watch/prepare-retrain.ts';

/**
 * Steps that may take all of `limits.memoryMiB`. Two at a time would need twice the memory, and gain nothing where
 * one already uses every thread; light steps pass beside them.
 */
const heavySteps = 1;

type Step<Input, Output> = (input: Input, context: StepContext) => Promise<Output>;

export const createCpuSteps = (deps: CpuDeps): CpuSteps => {
  const step = createBoundary();
  const turnstile = createTurnstile(heavySteps);
  const heavy = <Input, Output>(work: Step<Input, Output>) =>
    step((input: Input, context) => turnstile(context.signal, () => work(input, context)));
  // Only what reads predictions is heavy; a look that has nothing new to read does not wait for a training's data.
  const inTurn =
    <Needs, Question, Found>(work: (needs: Needs, question: Question, context: StepContext) => Promise<Found>) =>
    (needs: Needs, question: Question, context: StepContext): Promise<Found> =>
      turnstile(context.signal, () => work(needs, question, context));
  const measures = { measurePerformance: inTurn(measurePerformance), measureSkew: inTurn(measureSkew) };
  return {
    admitRetrain: step(createAdmitRetrain(deps)),
    ingestSources: heavy(createIngest(deps)),
    validateBatch: heavy(createValidate(deps)),
    freezeSnapshot: heavy(createFreeze(deps)),
    buildFeatures: heavy(createBuildFeatures(deps)),
    evaluateCandidate: heavy(createEvaluate(deps)),
    registerCandidate: step(createRegister(deps)),
    publishFeatures: heavy(createPublish(deps)),
    publishServed: heavy(createPublishServed(deps)),
    refreshViews: heavy(createRefreshViews(deps)),
    promoteVersion: step(createPromoteVersion(deps)),
    confirmServing: step(createConfirmServing(deps)),
    rollBackPromotion: step(createRollBackPromotion(deps)),
    planRollout: step(createPlanRollout(deps)),
    beginRollout: step(createBeginRollout(deps)),
    shiftTraffic: step(createShiftTraffic(deps)),
    observeRollout: step(createObserveRollout(deps)),
    endRollout: step(createEndRollout(deps)),
    undoPromotion: step(createUndoPromotion(deps)),
    countHarm: step(createCountHarm(deps)),
    planRollBack: step(createPlanRollBack(deps)),
    restoreChampion: step(createRestoreChampion(deps)),
    countPollers: step(createCountPollers(deps)),
    recordStage: step(createRecordStage(deps)),
    finishRun: step(createFinishRun(deps)),
    openWatch: step(createOpenWatch(deps)),
    measureWatch: step(createMeasureWatch(deps, measures)),
    prepareRetrain: step(createPrepareRetrain(deps)),
    askWatch: step(createAskWatch(deps)),
    expireData: step(createExpireData(deps)),
    recordDecisions: step(createRecordDecisions(deps)),
    recordDecision: step(createRecordDecision(deps)),
    sendNotice: step(createSendNotice(deps)),
  };
};

export const createGpuSteps = (deps: GpuDeps): GpuSteps => ({ trainCandidate: createBoundary()(createTrain(deps)) });
