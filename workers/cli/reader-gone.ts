/** What a command does once nobody reads its output any more, as after `| head`. */

/**
 * At once, as SIGPIPE would: what was started elsewhere goes on, such as a run that is waited for. In order, for whoever
 * has processes of its own to stop. Never, for servers: their work is not what they print.
 */
export type Ending = 'at once' | 'in order' | 'never';

/** As the shell tells of a program that SIGPIPE ended; a script with `pipefail` knows it. */
const exitOfBrokenPipe = 141;

let ending: Ending = 'at once';

/** To be called by a command before it starts what must not be left alone. */
export const endWithReader = (how: Ending): void => {
  ending = how;
};

const onError = (error: NodeJS.ErrnoException): void => {
  if (error.code !== 'EPIPE') throw error;
  if (ending === 'at once') process.exit(exitOfBrokenPipe);
  if (ending === 'never') return;
  // Stopping prints as well: once is enough.
  ending = 'never';
  process.kill(process.pid, 'SIGTERM');
};

/** Instead of the stack of an error that nobody handles. */
export const watchReaders = (): void => {
  for (const stream of [process.stdout, process.stderr]) stream.on('error', onError);
};
