import { Command, CommanderError } from 'commander';
import { reportError, usageExit } from './output.ts';
import { explainUsage } from './usage-errors.ts';

/** Command name to the module that registers it: one file per command, loaded only when asked for. */
const commandModules: Readonly<Record<string, { readonly file: string; readonly summary: string }>> = {
  up: { file: 'up', summary: 'Start what is missing: servers, workers, serving; show live status' },
  down: { file: 'down', summary: 'Stop what `up` started' },
  doctor: { file: 'doctor', summary: 'Say what is missing on this machine, and the command that mends it' },
  plan: { file: 'plan', summary: 'Show what a pipeline file would change' },
  apply: { file: 'apply', summary: 'Make a pipeline file the current definition' },
  run: { file: 'run', summary: 'Start a run, or attach to the one that is the same' },
  status: { file: 'status', summary: 'Show pipelines, champions and runs' },
  data: { file: 'data', summary: 'List, show, compare, check out and verify snapshots' },
  models: { file: 'models', summary: 'List, show, compare and import model versions' },
  runs: { file: 'runs', summary: 'List and show runs' },
  explain: { file: 'explain', summary: 'Say why a run ended as it did, or where a version came from' },
  drift: { file: 'drift', summary: 'Show how live traffic differs from what a model was trained on' },
  quarantine: { file: 'quarantine', summary: 'List windows whose data are broken, and let them count again' },
  predict: { file: 'predict', summary: 'Ask the champion for a prediction' },
  label: { file: 'label', summary: 'Hand in labels from a file' },
  cancel: { file: 'cancel', summary: 'Cancel a run that is under way' },
  approve: { file: 'approve', summary: 'Approve a promotion that waits for a person' },
  reject: { file: 'reject', summary: 'Reject a promotion that waits for a person' },
  rollout: { file: 'rollout', summary: 'Roll a version out beside the champion' },
  hold: { file: 'hold', summary: 'Keep a rollout at its present share' },
  promote: { file: 'promote', summary: 'Give a candidate all traffic now' },
  retrain: { file: 'retrain', summary: 'Ask the watch of a pipeline for a retrain' },
  watch: { file: 'watch', summary: 'Ask the watch of a pipeline, let it rest, test other rules' },
  pause: { file: 'pause', summary: 'Let a pipeline retrain nothing by itself' },
  resume: { file: 'resume', summary: 'Let a held rollout go on, or end the pause of a pipeline' },
  delete: { file: 'delete', summary: 'Take a pipeline out of service; its history stays' },
  rollback: { file: 'rollback', summary: 'Take a rollout back, or make the previous champion serve again' },
  verify: { file: 'verify', summary: 'Check that database, store and servers agree' },
  migrate: { file: 'migrate', summary: 'Bring the database schema up to date' },
  logs: { file: 'logs', summary: 'Show the logs of what `up` started' },
  worker: { file: 'worker', summary: 'Run one worker: flow, cpu or gpu' },
  serve: { file: 'serve', summary: 'Run the prediction server' },
  control: { file: 'control', summary: 'Run the control plane' },
  demo: { file: 'demo', summary: 'Live through the demo on real data' },
};

const registerStub = (program: Command, name: string, summary: string): void => {
  program.command(name, { hidden: false }).description(summary).allowUnknownOption().helpOption(false);
};

/** Registers the asked command in full and the others by name only, so that starting costs what is used. */
const buildProgram = async (asked: string | undefined): Promise<Command> => {
  const program = new Command('perennial')
    .description('Keeps machine-learning models fresh')
    .version('0.1.0')
    .showSuggestionAfterError(true)
    .addHelpText(
      'after',
      `
Examples:
  $ perennial up                                  start servers and workers here
  $ perennial run pipelines/churn --wait          train, gate, register, promote; exit code is the verdict
  $ perennial predict churn '{"tenure": 5, ...}'  ask the champion

Exit codes: 0 ok, 1 failure, 2 usage, 3 rejected, 4 not found, 5 conflict, 6 unreachable, 8 inconclusive, 9 waits for a person`,
    );
  for (const [name, { file, summary }] of Object.entries(commandModules)) {
    if (name !== asked) registerStub(program, name, summary);
    else ((await import(`./commands/${file}.ts`)) as { register: (program: Command) => void }).register(program);
  }
  explainUsage(program);
  return program;
};

/** `perennial help run` is `perennial run --help`; the asked command is the first word that is no option. */
const normalise = (words: readonly string[]): string[] =>
  words[0] === 'help' && words[1] !== undefined ? [...words.slice(1), '--help'] : [...words];

/** Runs one command line and returns its exit code; never throws. */
export const runCommand = async (words: readonly string[]): Promise<number> => {
  const line = normalise(words);
  const asked = line.find((word) => !word.startsWith('-'));
  try {
    const program = await buildProgram(asked);
    await program.parseAsync(line.length === 0 ? ['--help'] : line, { from: 'user' });
    return Number(process.exitCode ?? 0);
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : usageExit;
    return reportError(error, line.includes('--json'));
  }
};
