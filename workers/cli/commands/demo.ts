import type { Command } from 'commander';
import { endWithReader } from '../reader-gone.ts';

type Options = { json?: boolean; keep?: boolean; trainer?: string };

const demoAction = async (options: Options): Promise<void> => {
  endWithReader('in order');
  const { runDemo } = await import('../demo/run-demo.ts');
  process.exitCode = await runDemo({
    json: options.json === true,
    keep: options.keep === true,
    trainer: options.trainer ?? null,
  });
};

export const register = (program: Command): void => {
  program
    .command('demo')
    .description('Live through the demo: weeks of real flights, a watch that retrains by itself, a gate, canaries, a broken feed')
    .option('--json', 'tell the story on stderr and end with one JSON document on stdout')
    .option('--keep', 'leave everything running afterwards')
    .option('--trainer <name>', 'lightgbm or reference; absent: LightGBM where Python can be used')
    .addHelpText('after', '\nExamples:\n  $ npm run demo\n  $ npm run demo -- --json')
    .action(demoAction);
};
