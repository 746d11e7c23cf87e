export type Waker = {
  /** Ends the sleep under way; where nobody sleeps, the next sleep ends at once, so that no call is lost. */
  wake(): void;
  sleep(ms: number): Promise<void>;
};

/** A sleep that can be ended early. */
export const createWaker = (): Waker => {
  let pending = false;
  let end: (() => void) | null = null;
  return {
    wake: () => {
      pending = true;
      end?.();
    },
    sleep: async (ms) => {
      if (!pending) {
        const { promise, resolve } = Promise.withResolvers<void>();
        end = resolve;
        const timer = setTimeout(resolve, ms);
        await promise;
        clearTimeout(timer);
        end = null;
      }
      pending = false;
    },
  };
};
