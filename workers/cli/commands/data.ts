import { type Command, Option } from 'commander';

const snapshotHelp = 'first digits of a snapshot, or a pipeline for its newest';

const registerReading = (data: Command): void => {
  data
    .command('list')
    .description('Snapshots, newest first')
    .argument('[pipeline]', 'only of this pipeline')
    .option('--pipeline <name>', 'the same')
    .option('--json', 'one JSON document')
    .addHelpText('after', '\nExample:\n  $ perennial data list flights')
    .action(async (pipeline, options) => (await import('../data/inspect.ts')).listSnapshots(pipeline, options));
  data
    .command('show')
    .description('One snapshot: schema and counts, or rows of it')
    .argument('<snapshot>', snapshotHelp)
    .option('--rejected', 'rows that ingest set aside, with line and reason')
    .option('--quarantined', 'rows that checks set aside')
    .option('--rows <n>', 'the first rows')
    .option('--limit <n>', 'how many rejected or quarantined rows', '50')
    .option('--json', 'one JSON document')
    .addHelpText('after', '\nExample:\n  $ perennial data show flights --rejected')
    .action(async (snapshot, options) => (await import('../data/show.ts')).showSnapshot(snapshot, options));
  data
    .command('diff')
    .description('What lies between two snapshots')
    .argument('<from>', snapshotHelp)
    .argument('<to>', snapshotHelp)
    .option('--json', 'one JSON document')
    .addHelpText('after', '\nExample:\n  $ perennial data diff 3f2a9c flights')
    .action(async (from, to, options) => (await import('../data/inspect.ts')).diff(from, to, options));
  data
    .command('checkout')
    .description('Write the exact rows of a snapshot to a folder')
    .argument('<snapshot>', snapshotHelp)
    .argument('<folder>', 'empty, or not there yet')
    .option('--format <format>', 'parquet or csv', 'parquet')
    .option('--json', 'one JSON document')
    .addHelpText('after', '\nExample:\n  $ perennial data checkout flights /tmp/flights --format csv')
    .action(async (snapshot, folder, options) => (await import('../data/inspect.ts')).checkout(snapshot, folder, options));
};

const registerKeeping = (data: Command): void => {
  data
    .command('verify')
    .description('Read stored objects again and compare their bytes with their names')
    .argument('[snapshot]', `${snapshotHelp}; absent: the whole store`)
    .option('--json', 'one JSON document')
    .action(async (snapshot, options) => (await import('../data/keep.ts')).verify(snapshot, options));
  data
    .command('gc')
    .description('Find what has outlived its retention, and objects that nothing names; says what it would delete')
    .option('--delete', 'delete them')
    .addOption(new Option('--dry-run', 'only say what would be deleted: what it does without --delete').conflicts('delete'))
    .option('--older-than <duration>', 'never touch objects that nothing names and are younger', '7d')
    .option('--json', 'one JSON document')
    .addHelpText(
      'after',
      `
How long predictions, snapshots and runs are kept says \`retention\` of each pipeline file. A schedule does the same each night.

Example:
  $ perennial data gc --older-than 30d --delete`,
    )
    .action(async (options) => (await import('../data/keep.ts')).gc(options));
};

const registerArriving = (data: Command): void => {
  data
    .command('publish')
    .description('Say that data arrived: ingest them, and publish newest values of views for what serves; trains nothing')
    .argument('<pipeline>', 'name of an applied pipeline')
    .option('--json', 'one JSON document')
    .addHelpText(
      'after',
      `
The webhook "data arrived" does the same. Data that break a check of severity "fail" are refused, exit code 3.

Example:
  $ perennial data publish flights`,
    )
    .action(async (pipeline, options) => (await import('../data/publish.ts')).publish(pipeline, options));
};

export const register = (program: Command): void => {
  const data = program.command('data').description('List, show, compare, check out and look after snapshots');
  registerReading(data);
  registerArriving(data);
  registerKeeping(data);
};
