/** The port of a rollout: its steps, with what each promises. See `steps.ts` for what holds of all steps. */
import type { DeployedRollout } from '#domain/contracts/model-version.ts';
import type { Harmed, RollBackPlan, RolloutObservation, RolloutPlan, RolloutRequest } from '#domain/contracts/rollout.ts';
import type { PipelineName, VersionNumber } from '#domain/units.ts';

export type RolloutRef = { readonly pipeline: PipelineName; readonly rolloutId: string };
/** Generation of the deployment after a change. */
export type Changed = { readonly generation: number };

export type ShiftInput = RolloutRef & {
  readonly share: DeployedRollout['share'];
  readonly expectedGeneration: number;
  readonly by: string;
  readonly reason: string;
};
export type EndInput = RolloutRef & {
  readonly end: 'promoted' | 'rolled back';
  /** Of the generation that was judged; null for a roll back, which is never too late. */
  readonly expectedGeneration: number | null;
  readonly by: string;
  readonly reason: string;
};
export type RestoreInput = {
  readonly pipeline: PipelineName;
  readonly to: VersionNumber;
  readonly expectedGeneration: number;
  readonly by: string;
  readonly reason: string;
};

export interface RolloutSteps {
  /**
   * Parses the workflow's input and fixes all that the rollout goes by: policy, strategy, latency bounds of the champion,
   * distances of the looks. The only door for unparsed values. Reads only.
   * Final errors: PRN_INPUT_INVALID, PRN_DEFINITION_UNKNOWN, PRN_SPEC_INVALID, PRN_NOT_FOUND.
   */
  planRollout(input: { readonly rolloutId: string; readonly request: RolloutRequest }): Promise<RolloutPlan>;

  /**
   * Puts the candidate beside the champion with its first share, in one transaction with its audit row. Key: rollout id.
   * Final error: PRN_DEPLOY_CONFLICT where another rollout runs or another champion serves.
   */
  beginRollout(input: { readonly plan: RolloutPlan; readonly workflowId: string }): Promise<Changed>;

  /** Sets the next share; shares only grow. Key: rollout id and share. Final error: PRN_DEPLOY_CONFLICT where it has ended. */
  shiftTraffic(input: ShiftInput): Promise<Changed>;

  /** Adds the counters of this rollout's generations up and makes evidence of them; tells what servers report. Reads only. */
  observeRollout(input: RolloutRef & { readonly elapsedMs: number }): Promise<RolloutObservation>;

  /**
   * Ends the rollout: the candidate becomes champion, or goes, in one transaction. Key: rollout id and end; the first end wins.
   * One that is rolled back before it began (PRN_NOT_FOUND, final) never begins, however late its first step arrives.
   * Final error: PRN_DEPLOY_CONFLICT where it ended otherwise, or, for a promotion, another generation was judged.
   */
  endRollout(input: EndInput): Promise<Changed>;

  /**
   * Takes back a promotion that the servers do not follow: the champion of before serves, and the rollout was rolled back.
   * Key: rollout id. Final error: PRN_DEPLOY_CONFLICT where nothing was promoted, or something else happened since.
   */
  undoPromotion(input: RolloutRef & { readonly by: string; readonly reason: string }): Promise<Changed>;

  /** Counts what a rollout that was taken back did to those it answered, and keeps it. Key: rollout id; the newest count holds. */
  countHarm(input: RolloutRef): Promise<Harmed>;

  /**
   * Parses the input of a roll-back and says what it will do: end the rollout that runs, put an earlier champion back.
   * Final errors: PRN_INPUT_INVALID, PRN_NOT_FOUND, PRN_CONFLICT where the last change was a roll-back and no version is named.
   */
  planRollBack(input: unknown): Promise<RollBackPlan>;

  /** Puts an earlier champion in place, fenced. Key: pipeline, expected generation and version. Final error: PRN_DEPLOY_CONFLICT. */
  restoreChampion(input: RestoreInput): Promise<Changed>;
}
