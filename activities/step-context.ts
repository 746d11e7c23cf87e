/**
 * What a step may use of its surroundings while it runs. The boundary makes one from the running activity;
 * a bench or a test may pass its own or none.
 */
export type StepContext = {
  /** Says that the step is alive; the detail is small and JSON-safe. */
  heartbeat(detail: unknown): void;
  /** Aborts when the step is cancelled, or when its worker shuts down. */
  readonly signal: AbortSignal;
};
