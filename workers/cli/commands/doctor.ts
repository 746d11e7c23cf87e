import type { Command } from 'commander';
import type { CheckResult } from '../doctor/check.ts';
import { paint, print, printJson } from '../output.ts';

type Options = { json?: boolean };

/** A check that failed is a negative answer, not a failure of the command. */
const negativeExit = 3;

const examine = async (): Promise<CheckResult[]> => {
  const { loadConfig } = await import('../../../infra/config.ts');
  const machine = await import('../doctor/machine.ts');
  const servers = await import('../doctor/servers.ts');
  const config = loadConfig();
  const temporal = servers.checkTemporal(config);
  return Promise.all([
    Promise.resolve(machine.checkNode()),
    machine.checkFolder('state', config.stateDir, 'PERENNIAL_STATE_DIR'),
    machine.checkFolder('cache', config.cacheDir, 'PERENNIAL_CACHE_DIR'),
    servers.checkPostgres(config),
    temporal,
    servers.checkStore(config),
    machine.checkTrainerPython(config),
    machine.checkOpenMp(),
    temporal.then(({ state }) => machine.checkGo(state === 'ok')),
    machine.checkBrowser(),
    Promise.resolve(servers.checkUp(config)),
  ]);
};

const labels = { ok: ['ok', 'green'], missing: ['missing', 'red'], optional: ['optional', 'yellow'] } as const;

const show = ({ name, state, detail, mend }: CheckResult): void => {
  const [label, style] = labels[state];
  print(`${paint(style, label.padEnd(8))}  ${name.padEnd(9)} ${detail}`);
  if (mend !== null) print(`${' '.repeat(20)}${state === 'missing' ? 'mend it' : 'to have it'}: ${mend}`);
};

const doctorAction = async (options: Options): Promise<void> => {
  const checks = await examine();
  const isWell = checks.every(({ state }) => state !== 'missing');
  if (options.json) printJson({ ok: isWell, checks });
  else for (const check of checks) show(check);
  process.exitCode = isWell ? 0 : negativeExit;
};

export const register = (program: Command): void => {
  program
    .command('doctor')
    .description('Say what this machine lacks, and the command that mends it')
    .option('--json', 'print one JSON document')
    .addHelpText(
      'after',
      '\nExit code 0: all that is needed is there; 3: something is missing.\n\nExamples:\n  $ perennial doctor',
    )
    .action(doctorAction);
};
