import type { Flush, WindowTally } from '../../contracts/flush.ts';
import type { WindowCounts } from '../../contracts/reference-profile.ts';
import { addWindows, firstFallen, hasShape, type ProfileShape } from './window-counts.ts';

/** What one process said last about one window. */
export type Tally = { readonly sequence: number; readonly window: WindowTally };

/** One process that counts for one arm, model and profile; its counters only grow. */
export type CountingProcess = Pick<Flush, 'serverId' | 'arm' | 'modelSha256' | 'profileSha256' | 'epoch'> & {
  readonly tallies: Readonly<Record<string, Tally>>;
};

/** All that was heard from servers, as plain data: what a table with one row for each process and window would hold. */
export type FlushLedger = {
  /** Shapes of the profiles that are known, by digest. */
  readonly profiles: Readonly<Record<string, ProfileShape>>;
  readonly processes: Readonly<Record<string, CountingProcess>>;
};

/** Why a flush was not taken. It is refused whole: a server that is wrong once is not believed in part. */
export const flushRefusals = ['unknown profile', 'wrong shape', 'window twice', 'counter fell', 'sequence reused'] as const;
export type FlushRefusal = (typeof flushRefusals)[number];

export type FlushOutcome =
  | { readonly kind: 'recorded'; readonly ledger: FlushLedger }
  | { readonly kind: 'refused'; readonly reason: FlushRefusal; readonly statement: string; readonly ledger: FlushLedger };

/** A ledger that has heard nothing. */
export const emptyLedger = (profiles: Readonly<Record<string, ProfileShape>>): FlushLedger => ({ profiles, processes: {} });

/**
 * The ledger with a flush in it. Cumulative counters with a sequence make counting exactly once out of sending at least
 * once: a repeated flush changes nothing, an overtaken one neither, a lost one is healed by the next, and a new epoch
 * begins at zero beside the old one, which keeps what it counted.
 *
 * Refused, with the ledger as it was: a profile that is not known; counters of another shape; a window named twice; a
 * counter that falls within an epoch; a sequence that comes again with other counters. O(processes + windows of this one).
 *
 * Source: a register where the last write wins, by sequence; state-based replication by join needs no more.
 */
export const recordFlush = (ledger: FlushLedger, flush: Flush): FlushOutcome => {
  const refused = (reason: FlushRefusal, statement: string): FlushOutcome => ({ kind: 'refused', reason, statement, ledger });
  const shape = Object.hasOwn(ledger.profiles, flush.profileSha256) ? ledger.profiles[flush.profileSha256] : undefined;
  if (shape === undefined) return refused('unknown profile', `No profile ${flush.profileSha256} is known`);
  const { serverId, arm, modelSha256, profileSha256, epoch, sequence } = flush;
  const key = keyOf([serverId, arm, modelSha256, profileSha256, epoch]);
  const known = ledger.processes[key]?.tallies ?? {};
  const heard: Record<string, Tally> = {};
  for (const window of flush.windows) {
    const place = keyOf([window.from, window.to]);
    if (Object.hasOwn(heard, place)) return refused('window twice', `Window ${window.from} stands twice in one flush`);
    if (!hasShape(window, shape)) return refused('wrong shape', `Window ${window.from} has not the counters of the profile`);
    const next = latest(known[place], { sequence, window });
    if ('reason' in next) return refused(next.reason, `Window ${window.from} of ${serverId}: ${next.statement}`);
    heard[place] = next;
  }
  const process = { serverId, arm, modelSha256, profileSha256, epoch, tallies: { ...known, ...heard } };
  return { kind: 'recorded', ledger: { ...ledger, processes: { ...ledger.processes, [key]: process } } };
};

/** A list as text is a key that no name can imitate, "__proto__" included. */
const keyOf = (parts: readonly string[]): string => JSON.stringify(parts);

/**
 * Of two tallies of one process and window, the one that holds; or why they cannot both be true. It is all that a table
 * needs for an upsert of one row.
 */
export const latest = (
  stored: Tally | undefined,
  heard: Tally,
): Tally | { readonly reason: 'counter fell' | 'sequence reused'; readonly statement: string } => {
  if (stored === undefined) return heard;
  const [earlier, later] = stored.sequence <= heard.sequence ? [stored, heard] : [heard, stored];
  const fallen = firstFallen(earlier.window, later.window);
  if (earlier.sequence === later.sequence) {
    const grown = firstFallen(later.window, earlier.window);
    if (fallen === null && grown === null) return stored;
    return { reason: 'sequence reused', statement: `sequence ${heard.sequence} came with other ${fallen ?? grown}` };
  }
  if (fallen === null) return later;
  const statement = `${fallen} fell from sequence ${earlier.sequence} to ${later.sequence}`;
  return { reason: 'counter fell', statement };
};

/** The counters of one window, arm and model, all servers and epochs together. */
export type WindowTotal = WindowCounts & Pick<Flush, 'arm' | 'modelSha256'>;

/**
 * What all processes counted, by profile, model, arm and window, in this order. Nothing heard: nothing.
 *
 * Processes are added in the order of their names, so that the answer does not depend on who was heard first, not even by
 * a rounding of the moments.
 *
 * Source: definition.
 */
export const totals = (ledger: FlushLedger): WindowTotal[] => {
  const sums = new Map<string, WindowTotal>();
  for (const [, { profileSha256, modelSha256, arm, tallies }] of byKey(ledger.processes)) {
    for (const [, { window }] of byKey(tallies)) {
      const key = keyOf([profileSha256, modelSha256, arm, window.from, window.to]);
      const sum = sums.get(key);
      sums.set(key, { profileSha256, modelSha256, arm, ...(sum === undefined ? window : addWindows(sum, window)) });
    }
  }
  return byKey(Object.fromEntries(sums)).map(([, total]) => total);
};

const byKey = <Value>(record: Readonly<Record<string, Value>>): (readonly [string, Value])[] =>
  Object.entries(record).sort(([left], [right]) => (left < right ? -1 : 1));
