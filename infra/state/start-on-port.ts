import { findPort } from './ports.ts';

/** A port that was free a moment ago may be another's by now; where we chose it, we choose again. */
const attempts = 3;

/**
 * Starts a server on the port that somebody named, else on one that is free. Throws what `start` does; where the port was
 * ours to choose and that error says `taken`, the server's own words for it, another port is tried first.
 */
export const startOnPort = async <Started>(
  named: number | undefined,
  taken: string,
  start: (port: number) => Promise<Started>,
): Promise<Started> => {
  if (named !== undefined) return start(named);
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await start(await findPort());
    } catch (error) {
      if (!(error as Error).message.includes(taken) || attempt === attempts) throw error;
    }
  }
};
