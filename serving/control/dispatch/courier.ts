import { setTimeout as wait } from 'node:timers/promises';
import type { Logger } from '../../../infra/telemetry/logger.ts';

export type Courier = {
  /** There may be something now: look at once. */
  poke(): void;
  /** Ends after the look that is under way. */
  close(): Promise<void>;
};
export type Round = {
  readonly name: string;
  /** Carries what is due. True where there may be more. Throws where it could not look at all. */
  readonly carry: () => Promise<boolean>;
  readonly idleMs: number;
  readonly log: Logger;
};

/** Looks for ever, one round after the other; a round that fails is tried again after the idle time. */
export const startCourier = ({ name, carry, idleMs, log }: Round): Courier => {
  const stopped = new AbortController();
  let pause = new AbortController();
  let poked = false;
  const rest = async (): Promise<void> => {
    if (!poked) await wait(idleMs, undefined, { signal: pause.signal }).catch(() => undefined);
    pause = new AbortController();
    poked = false;
  };
  const follow = async (): Promise<void> => {
    while (!stopped.signal.aborted) {
      const more = await carry().catch((error: unknown) => {
        log.warn({ err: error, courier: name }, 'Cannot look for what is due');
        return false;
      });
      if (!more && !stopped.signal.aborted) await rest();
    }
  };
  const following = follow();
  const poke = (): void => {
    poked = true;
    pause.abort();
  };
  return {
    poke,
    close: async () => {
      stopped.abort();
      poke();
      await following;
    },
  };
};
