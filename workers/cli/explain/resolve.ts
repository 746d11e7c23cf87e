/** What a person means by what they typed. */
import type { Instant, PipelineName, VersionNumber } from '#domain/units.ts';
import { parseRetrainWorkflowId } from '../../../workflows/names.ts';
import { parseWindow } from '../report/parse-window.ts';

export type Meant =
  | { readonly kind: 'prediction'; readonly id: string }
  | { readonly kind: 'decision'; readonly id: number }
  | { readonly kind: 'window'; readonly pipeline: PipelineName; readonly from: Instant }
  | { readonly kind: 'version'; readonly pipeline: PipelineName; readonly version: VersionNumber }
  /** A rollout by its own id or by that of its workflow. */
  | { readonly kind: 'rollout'; readonly id: string; readonly pipeline: PipelineName; readonly version: VersionNumber }
  | { readonly kind: 'run'; readonly asked: string };

const patterns = {
  prediction: /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i,
  decision: /^decision\/(\d{1,15})$/,
  rollout: /^(?:roll-out\/)?([a-z0-9][a-z0-9._-]*)\/(\d{1,9})(?:\/.+)$|^roll-out\/([a-z0-9][a-z0-9._-]*)\/(\d{1,9})$/,
  version: /^([a-z0-9][a-z0-9._-]*)[/@](\d{1,9})$/,
  window: /^([a-z0-9][a-z0-9._-]*)[/@](\d{4}-\d{2}-\d{2}.*)$/,
} as const;

/**
 * A prediction by its id, decision/ID, PIPELINE/VERSION, PIPELINE/DAY, a rollout by its id, and everything else a run, by
 * its key, the first digits of it, or the id of its workflow. Throws PRN_USAGE for a day that is none.
 */
export const resolveMeant = (asked: string): Meant => {
  if (patterns.prediction.test(asked)) return { kind: 'prediction', id: asked.toLowerCase() };
  const decision = patterns.decision.exec(asked);
  if (decision) return { kind: 'decision', id: Number(decision[1]) };
  if (parseRetrainWorkflowId(asked) !== null) return { kind: 'run', asked };
  const window = patterns.window.exec(asked);
  // The window of a decision is written FROM/TO: its beginning names it.
  if (window)
    return {
      kind: 'window',
      pipeline: window[1] as PipelineName,
      from: parseWindow((window[2] as string).split('/')[0] as string),
    };
  const rollout = patterns.rollout.exec(asked);
  if (rollout) {
    const [pipeline, version] = [rollout[1] ?? rollout[3], rollout[2] ?? rollout[4]];
    return { kind: 'rollout', id: asked, pipeline: pipeline as PipelineName, version: Number(version) as VersionNumber };
  }
  const version = patterns.version.exec(asked);
  if (version) return { kind: 'version', pipeline: version[1] as PipelineName, version: Number(version[2]) as VersionNumber };
  return { kind: 'run', asked };
};
