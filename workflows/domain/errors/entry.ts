/** What is known of an error code. */
export type ErrorEntry = {
  readonly meaning: string;
  /** "final": the same input fails again. "retry": the surroundings may mend. */
  readonly retry: 'final' | 'retry';
  readonly who: 'author' | 'operator' | 'perennial';
  readonly action: string;
  /** HTTP status where a server answers with it. */
  readonly status: number;
  /** Exit code of the command. */
  readonly exit: number;
};
