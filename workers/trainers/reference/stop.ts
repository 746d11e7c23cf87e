import { fstatSync } from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';

/** Standard input is worth watching only where somebody holds its other end; a terminal or /dev/null says nothing. */
const isHeldByParent = (): boolean => {
  try {
    const input = fstatSync(0);
    return input.isFIFO() || input.isSocket();
  } catch {
    return false;
  }
};

/**
 * Learns of SIGTERM, and of the death of whoever launched us: standard input closes then. The answer is asked for between
 * iterations and lets pending signals in first.
 */
export const watchForStop = (): (() => Promise<boolean>) => {
  let wanted = false;
  const stop = (): void => {
    wanted = true;
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
  // Nobody reads our lines any more: without a listener, the next one would end us before the state is saved.
  process.stdout.on('error', stop);
  process.stderr.on('error', stop);
  if (isHeldByParent()) process.stdin.on('end', stop).on('close', stop).on('error', stop).resume();
  return async () => {
    await nextTurn();
    return wanted;
  };
};
