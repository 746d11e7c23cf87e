/** Observations for the tests of drift states. */
import type { DriftObservation, ObservedVariable } from '#domain/contracts/drift-state.ts';
import { startDriftMemory } from '#domain/decide/drift/next-drift-state.ts';
import type { Instant, Sha256 } from '#domain/units.ts';

export const sha256 = 'b'.repeat(64) as Sha256;

/** A window of one variable, as its PSI less the noise (and the upper limit of it) and its adjusted p-value; null has too few rows. */
export type Seen = { readonly psi: number; readonly upper?: number; readonly p: number } | null;
export const high: Seen = { psi: 0.35, p: 0.001 };
export const low: Seen = { psi: 0.01, p: 0.6 };
export const middle: Seen = { psi: 0.15, p: 0.01 };
/** Large, and yet it may be noise. */
export const unproven: Seen = { psi: 0.35, p: 0.2 };

export const observed = (seen: Seen, parts: Partial<ObservedVariable> = {}): ObservedVariable => ({
  name: 'age',
  critical: false,
  importance: null,
  evidenceId: `feature/${parts.name ?? 'age'}/psi`,
  measured: seen === null ? null : { debiasedPsi: seen.psi, psiUpperLimit: seen.upper ?? seen.psi, adjustedPValue: seen.p },
  ...parts,
});

const hour = (at: number): Instant => new Date(Date.UTC(2001, 0, 1, at)).toISOString() as Instant;

/** The window that begins at that hour. */
export const observation = (
  at: number,
  features: readonly ObservedVariable[],
  parts: Partial<DriftObservation> = {},
): DriftObservation => ({
  profileSha256: sha256,
  from: hour(at),
  to: hour(at + 1),
  features: [...features],
  predictions: [],
  breaches: [],
  ...parts,
});

export const start = (features: number, predictions = 0) => startDriftMemory({ sha256, features, predictions });
