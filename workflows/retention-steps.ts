/** What the retention asks of its surroundings; see `steps.ts` for what every step promises. */

/** What went, over all pipelines; where it goes on at the next time, why. */
export type RetentionSummary = {
  readonly pipelines: number;
  /** Rows of predictions. */
  readonly predictions: number;
  readonly labels: number;
  /** Whose data were given up. */
  readonly snapshots: number;
  readonly runs: number;
  /** That nobody named any more. */
  readonly objects: number;
  /** Why something stays that has outlived its retention, by pipeline; some of them. */
  readonly held: readonly string[];
  /** Pipelines of which nothing went, with the reason; some of them. */
  readonly problems: readonly string[];
};

export interface RetentionSteps {
  /**
   * Deletes what has outlived the retention of its pipeline, of all pipelines, and then objects that nobody names. Key: what
   * is gone is gone, so again it deletes what has grown old since. Heartbeats with the pipeline in work.
   */
  expireData(input: { readonly format: 1 }): Promise<RetentionSummary>;
}
