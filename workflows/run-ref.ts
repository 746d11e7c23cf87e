import type { PipelineName, RunKey, Sha256 } from '#domain/units.ts';

/** Every step of a run carries its identity. */
export type RunRef = { readonly pipeline: PipelineName; readonly runKey: RunKey; readonly definitionSha256: Sha256 };
