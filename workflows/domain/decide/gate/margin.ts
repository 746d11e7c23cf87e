import type { Comparison } from '../../contracts/evaluation-report.ts';
import type { GateSpec } from '../../contracts/pipeline-spec/training.ts';
import { type GrantedLoss, grantLoss, type UsualLoss } from '../granted-loss.ts';

/**
 * Half a point of a share, or a fiftieth of an error. Smaller, and few hold-outs are large enough to show that nothing
 * more is lost; larger, and a champion decays by one lost margin after the other.
 */
export const usualMargin: UsualLoss = { absolute: 0.005, share: '2%' };

/** What is compared: its metric, and the champion's value of it on the same rows. */
type Compared = Pick<Comparison, 'metric' | 'champion'>;

/** Loss of the metric that a fresher model is worth. */
export const championMargin = ({ champion: { margin } }: GateSpec, { metric, champion }: Compared): GrantedLoss =>
  grantLoss(margin, usualMargin, metric, champion);

/** Loss that a slice may take: what the pipeline says, else twice that of all rows, for a slice has fewer to show it by. */
export const sliceMargin = (gate: GateSpec, by: string, { metric, champion }: Compared): GrantedLoss => {
  const own = gate.slices.find((slice) => slice.by === by)?.margin;
  return own === undefined
    ? grantLoss(gate.champion.margin, usualMargin, metric, champion, 2)
    : grantLoss(own, usualMargin, metric, champion);
};
