import { type AskedLoss, type GrantedLoss, grantLoss, type UsualLoss } from '../granted-loss.ts';

/**
 * Two points of a share, or a twentieth of an error: more than a gate grants, for a retrain costs more than a comparison.
 * Smaller, and the usual differences between windows start retrains; larger, and a loss that customers feel waits.
 */
const usualDrop: UsualLoss = { absolute: 0.02, share: '5%' };

/** What a window may lose of a metric against its value on the hold-out, before it is a breach. */
export const toleratedDrop = (asked: AskedLoss, metric: string, onHoldout: number | undefined): GrantedLoss =>
  grantLoss(asked, usualDrop, metric, onHoldout);
