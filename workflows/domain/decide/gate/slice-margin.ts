import type { GateSpec } from '../../contracts/pipeline-spec/training.ts';

/** Loss that a slice may take: what the pipeline says, else twice that of all rows, for a slice has fewer to show it by. */
export const sliceMargin = (gate: GateSpec, by: string): number =>
  gate.slices.find((slice) => slice.by === by)?.margin ?? 2 * gate.champion.margin;
