/** How published values of views stay as new as the data, whether or not a candidate passes; see `steps.ts` for the promises. */
import type { PipelineName, Sha256 } from '#domain/units.ts';
import type { RunRef } from './run-ref.ts';

/** `nothing`: what serves looks nothing up, or the pipeline has no definition. `refused`: the data break a check. */
export type RefreshOutcome =
  | { readonly kind: 'published'; readonly snapshotSha256: Sha256; readonly rows: number }
  | { readonly kind: 'nothing' | 'refused'; readonly reason: string };

export interface PublishSteps {
  /**
   * Publishes the newest values of the views of champion and rollout candidate from a snapshot. Key: snapshot and definitions
   * of the views. Zero rows where nobody that serves looks anything up, and for another definition than the one applied now.
   */
  publishServed(input: RunRef & { readonly snapshotSha256: Sha256 }): Promise<{ readonly rows: number }>;

  /**
   * Ingests, validates and freezes the sources as they are now, and publishes from that for what serves; trains nothing. Key:
   * listing and definition, then those of the steps that it is made of. Heartbeats.
   */
  refreshViews(input: { readonly pipeline: PipelineName }): Promise<RefreshOutcome>;
}
