import type { Command } from 'commander';
import { PerennialError } from '#domain/errors.ts';
import { note, print } from '../output.ts';

type Options = { follow?: boolean; lines: string };

const defaultLines = 40;

const parseLines = (text: string): number => {
  const lines = Number(text);
  if (Number.isInteger(lines) && lines >= 0) return lines;
  throw new PerennialError('PRN_USAGE', `Cannot show "${text}" lines as the number must be a whole one, 0 or more`);
};

const logsAction = async (name: string | undefined, options: Options): Promise<void> => {
  const { loadConfig } = await import('../../../infra/config.ts');
  const { logsFolder } = await import('../../../infra/state/state-folder.ts');
  const { followLogs, listLogs, lastLines } = await import('../../supervise/log-files.ts');
  const { hintOfInside } = await import('../../../infra/state/endpoints.ts');
  const config = loadConfig();
  const folder = logsFolder(config.stateDir);
  const known = listLogs(folder);
  if (known.length === 0) return note(`No logs in "${folder}" yet: ${hintOfInside(config.stateDir) ?? 'run `perennial up`'}`);
  if (name !== undefined && !known.includes(name)) {
    throw new PerennialError('PRN_NOT_FOUND', `Cannot show the log of "${name}": there are ${known.join(', ')}`);
  }
  const asked = name === undefined ? known : [name];
  const shown = (log: string, line: string): void => print(asked.length === 1 ? line : `${log.padEnd(9)} ${line}`);
  const count = parseLines(options.lines);
  for (const log of asked) for (const line of lastLines(folder, log, count)) shown(log, line);
  if (options.follow) await followLogs(folder, asked, shown);
};

export const register = (program: Command): void => {
  program
    .command('logs [process]')
    .description('Show the logs of what `perennial up` started: of one process, or of all')
    .option('-f, --follow', 'go on showing lines as they come, until Ctrl-C')
    .option('-n, --lines <number>', 'how many lines of each to begin with', String(defaultLines))
    .addHelpText('after', '\nExamples:\n  $ perennial logs gpu --follow\n  $ perennial logs --lines 5')
    .action(logsAction);
};
