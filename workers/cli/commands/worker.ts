import { type Command, InvalidArgumentError } from 'commander';
import { endWithReader } from '../reader-gone.ts';

const roles = ['flow', 'cpu', 'gpu'] as const;
type Role = (typeof roles)[number];

const parseRole = (word: string): Role => {
  const role = roles.find((known) => known === word);
  if (role === undefined) throw new InvalidArgumentError(`must be one of ${roles.join(', ')}.`);
  return role;
};

const runRole = async (role: Role): Promise<void> => {
  const { loadConfig } = await import('../../../infra/config.ts');
  const config = loadConfig();
  if (role === 'flow') return (await import('../../flow.ts')).runFlowWorker(config);
  if (role === 'cpu') return (await import('../../cpu.ts')).runCpuWorker(config);
  return (await import('../../gpu.ts')).runGpuWorker(config);
};

/** The native runtime can hold a process that is done; this ends it with the exit code that stands by then. */
const lingerMs = 3_000;

export const register = (program: Command): void => {
  program
    .command('worker')
    .description('Run one worker until it is stopped')
    .argument('<role>', 'flow (workflows), cpu (data steps) or gpu (training, one at a time)', parseRole)
    .addHelpText(
      'after',
      `
Finds its servers in the environment (DATABASE_URL, TEMPORAL_ADDRESS, PERENNIAL_STORE), else those that \`perennial up\` started here.
Stops on SIGTERM or Ctrl-C: a training gets SIGTERM too, keeps its checkpoint, and goes on at another worker.

Examples:
  $ perennial worker gpu      train on this machine
  $ perennial worker cpu      one more worker for the data steps`,
    )
    .action(async (role: Role) => {
      endWithReader('never');
      try {
        await runRole(role);
      } finally {
        if (process.connected) process.disconnect();
        setTimeout(() => process.exit(), lingerMs).unref();
      }
    });
};
