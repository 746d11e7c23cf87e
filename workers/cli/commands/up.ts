import type { Command } from 'commander';
import { errorRegistry, PerennialError } from '#domain/errors.ts';
import type { Config } from '../../../infra/config.ts';
import type { Endpoints } from '../../../infra/state/endpoints.ts';
import type { ProgramName } from '../../supervise/program-unit.ts';
import type { UpEvent } from '../../supervise/start-up.ts';
import { note, print, printJson } from '../output.ts';
import { endWithReader } from '../reader-gone.ts';

type Options = { detach?: boolean; json?: boolean; without?: string[] };

const links = (endpoints: Endpoints): string[] => [
  `predictions    ${endpoints.serveUrl}`,
  `control plane  ${endpoints.controlUrl}`,
  ...(endpoints.temporalUiUrl === null ? [] : [`Temporal's UI  ${endpoints.temporalUiUrl}`]),
];

/** Without what is secret in them. */
const publicPart = ({ serveUrl, controlUrl, temporalUiUrl, temporalAddress }: Endpoints) => ({
  serveUrl,
  controlUrl,
  temporalUiUrl,
  temporalAddress,
});

const describeRunning = async (config: Config, json: boolean): Promise<boolean> => {
  const { readUpRecord, supervisorOf } = await import('../../../infra/state/up-record.ts');
  const { readEndpoints } = await import('../../../infra/state/endpoints.ts');
  const { statusLine } = await import('../../supervise/view.ts');
  const supervisor = supervisorOf(config.stateDir);
  if (supervisor === null) return false;
  const processes = readUpRecord(config.stateDir)?.processes ?? [];
  const endpoints = readEndpoints(config);
  if (json) {
    printJson({ state: 'already-running', supervisor, processes, endpoints: endpoints && publicPart(endpoints) });
    return true;
  }
  print(`Already running from "${config.stateDir}" (process ${supervisor.pid}); stop it with \`perennial down\``);
  for (const status of processes) print(statusLine(status));
  return true;
};

const onEventOf = async (json: boolean): Promise<{ show: (event: UpEvent) => void; say: (line: string) => void }> => {
  if (!json) return (await import('../../supervise/view.ts')).createView(process.stderr);
  const show = (event: UpEvent): void =>
    print(JSON.stringify(event.kind === 'ready' ? { kind: 'ready', endpoints: publicPart(event.endpoints) } : event));
  return { show, say: note };
};

const programsWithout = async (names: readonly string[]): Promise<ProgramName[]> => {
  const { programArguments } = await import('../../supervise/program-unit.ts');
  const all = Object.keys(programArguments) as ProgramName[];
  const unknown = names.find((name) => !(name in programArguments));
  if (unknown === undefined) return all.filter((name) => !names.includes(name));
  throw new PerennialError('PRN_USAGE', `Cannot leave out "${unknown}" as it must be one of ${all.join(', ')}`);
};

const runDetached = async (config: Config, json: boolean, without: readonly string[]): Promise<void> => {
  const { openStateFolder } = await import('../../../infra/state/state-folder.ts');
  const { startDetached } = await import('../../supervise/detached.ts');
  openStateFolder(config.stateDir);
  const view = await onEventOf(json);
  const endpoints = await startDetached(config, without, view.show);
  if (json) return;
  for (const line of links(endpoints)) print(line);
  note('Running in the background; stop it with `perennial down`, read on with `perennial logs`');
};

const runForeground = async (config: Config, json: boolean, programs: readonly ProgramName[]): Promise<void> => {
  const { runUntilSignalled } = await import('../../supervise/foreground.ts');
  endWithReader('in order');
  const view = await onEventOf(json);
  await runUntilSignalled(config, programs, view, (endpoints) => {
    if (json) return;
    // On a terminal the table shows them.
    if (!process.stderr.isTTY) for (const line of links(endpoints)) view.say(line);
    view.say('Ready. Ctrl-C stops everything; nothing is lost');
  });
};

const upAction = async (options: Options): Promise<void> => {
  const { loadConfig } = await import('../../../infra/config.ts');
  const config = loadConfig();
  const json = options.json === true;
  const without = options.without ?? [];
  const programs = await programsWithout(without);
  if (await describeRunning(config, json)) return;
  try {
    await (options.detach ? runDetached(config, json, without) : runForeground(config, json, programs));
  } catch (error) {
    // One document a line to the end: the general report of an error spans many.
    if (!json) throw error;
    const code = error instanceof PerennialError ? error.code : 'PRN_INTERNAL';
    print(JSON.stringify({ kind: 'failed', code, message: error instanceof Error ? error.message : String(error) }));
    process.exitCode = errorRegistry[code].exit;
  }
};

export const register = (program: Command): void => {
  program
    .command('up')
    .description('Start what is missing: servers, workers, serving; show live status and keep it running')
    .option('-d, --detach', 'start in the background and return when all is ready')
    .option('--without <program...>', 'leave out programs that run elsewhere: flow, cpu, gpu, control, serve')
    .option('--json', 'one JSON document a line')
    .addHelpText(
      'after',
      `
Uses DATABASE_URL and TEMPORAL_ADDRESS where they are set; starts its own where they are not.
Data, logs and addresses are in PERENNIAL_STATE_DIR (default .perennial).

Examples:
  $ perennial up
  $ perennial up --detach && perennial status`,
    )
    .action(upAction);
};
