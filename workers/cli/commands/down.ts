import type { Command } from 'commander';
import type { Config } from '../../../infra/config.ts';
import { note, print, printJson } from '../output.ts';

type Options = { purge?: boolean; json?: boolean };

const stopRunning = async (config: Config): Promise<'stopped' | 'ended leftovers' | 'nothing ran'> => {
  const { readUpRecord, supervisorOf, unlock } = await import('../../../infra/state/up-record.ts');
  const { stopSupervisor } = await import('../../supervise/stop-supervisor.ts');
  const { endLeftovers } = await import('../../supervise/take-over.ts');
  const supervisor = supervisorOf(config.stateDir);
  if (supervisor !== null) {
    note(`Stopping \`perennial up\` (process ${supervisor.pid})`);
    await stopSupervisor(supervisor, () => readUpRecord(config.stateDir), note);
  }
  const ended = await endLeftovers(config.stateDir, note);
  const { forgetEndpoints } = await import('../../../infra/state/endpoints.ts');
  forgetEndpoints(config);
  unlock(config.stateDir);
  if (supervisor !== null) return 'stopped';
  return ended > 0 ? 'ended leftovers' : 'nothing ran';
};

const downAction = async (options: Options): Promise<void> => {
  const { loadConfig } = await import('../../../infra/config.ts');
  const { assertNoneInside, resetState } = await import('../../supervise/reset-state.ts');
  const config = loadConfig();
  // Before anything is stopped: a refusal leaves all as it was.
  if (options.purge) assertNoneInside(config.stateDir);
  const result = await stopRunning(config);
  const removed = options.purge ? await resetState(config.stateDir, note) : [];
  if (options.json) return printJson({ result, removed });
  const { hintOfInside } = await import('../../../infra/state/endpoints.ts');
  const hint = hintOfInside(config.stateDir);
  print(result === 'nothing ran' ? `Nothing runs from "${config.stateDir}"${hint === null ? '' : `; ${hint}`}` : 'Stopped');
  for (const folder of removed) print(`Removed ${folder}`);
  const { store } = config;
  const isOutside = store.kind === 's3' || !store.folder.startsWith(config.stateDir);
  if (options.purge && isOutside)
    print(`Kept the store: ${store.kind === 's3' ? `s3://${store.bucket}/${store.prefix}` : store.folder}`);
};

export const register = (program: Command): void => {
  program
    .command('down')
    .description('Stop what `perennial up` started from this state folder')
    .option('--purge', 'remove the state folder too: database, history, logs and the store in it')
    .option('--json', 'print one JSON document')
    .addHelpText('after', '\nExamples:\n  $ perennial down\n  $ perennial down --purge')
    .action(downAction);
};
