import type { Command } from 'commander';
import { stringify } from 'yaml';
import { errorDocument, paint, print, printJson, short } from '../output.ts';
import { asWritten } from '../spec/as-written.ts';

/** What differs between two values, as "path: before -> after". */
const differences = (before: unknown, after: unknown, path = ''): string[] => {
  if (JSON.stringify(before) === JSON.stringify(after)) return [];
  const bothMaps = [before, after].every((value) => typeof value === 'object' && value !== null && !Array.isArray(value));
  if (!bothMaps) return [`${path}: ${JSON.stringify(before) ?? '(absent)'} -> ${JSON.stringify(after) ?? '(absent)'}`];
  const [left, right] = [before as Record<string, unknown>, after as Record<string, unknown>];
  const keys = [...new Set([...Object.keys(left), ...Object.keys(right)])];
  return keys.flatMap((key) => differences(left[key], right[key], path === '' ? key : `${path}.${key}`));
};

export const register = (program: Command): void => {
  program
    .command('plan')
    .description('Show a pipeline with every default filled in, its data at a glance, and what it would change')
    .argument('<path>', 'pipeline file, or the folder that holds pipeline.yaml')
    .option('--json', 'one JSON document')
    .addHelpText(
      'after',
      '\nLooks into the first rows of its sources, beside the pipeline or in a bucket; a source, column or trainer that is not there is an error.\n\nExample:\n  $ perennial plan pipelines/churn',
    )
    .action(async (path: string, options: { json?: boolean }) => {
      const { readPipeline } = await import('../spec/read-pipeline.ts');
      const { currentSpec } = await import('../spec/current-spec.ts');
      const { scheduleOf, scheduleText } = await import('../spec/next-times.ts');
      const { loadConfig } = await import('../../../infra/config.ts');
      const { outlookOf, tellOutlook } = await import('../plan/outlook.ts');
      const { splitText } = await import('../plan/split-text.ts');
      const read = await readPipeline(path);
      const current = await currentSpec(read.spec.name);
      const changes = current?.spec == null ? [] : differences(asWritten(current.spec), asWritten(read.spec));
      const warning = current === null ? null : await (await import('../spec/other-question.ts')).otherQuestionWarning(read.spec);
      const schedule = scheduleOf(read.spec, new Date());
      const outlook = await outlookOf(loadConfig(), read.spec, read.folder, current?.frozen ?? null);
      const { glance, warnings, problems } = outlook;
      if (problems[0] !== undefined) process.exitCode = errorDocument(problems[0]).exit;
      if (options.json)
        return printJson({
          pipeline: read.spec.name,
          definition: read.definitionSha256,
          current: current?.sha256 ?? null,
          changes,
          schedule,
          columns: glance?.columns.map(({ name, type, role }) => ({ name, type, role })) ?? null,
          split: splitText(read.spec),
          warnings: [...(warning === null ? [] : [warning]), ...warnings],
          problems: problems.map(errorDocument),
          spec: read.spec,
        });
      print(stringify(asWritten(read.spec)).trimEnd());
      print('');
      tellOutlook(read.spec, outlook);
      if (schedule !== null) print(scheduleText(schedule, current?.paused ?? false));
      if (current === null)
        return print(`${paint('green', '+')} ${read.spec.name} is new: definition ${short(read.definitionSha256)}`);
      if (current.spec === null)
        return print(
          `${paint('yellow', '~')} definition ${short(current.sha256)} no longer fits this version of Perennial: \`perennial apply ${path}\` replaces it`,
        );
      if (warning !== null) print(`${paint('yellow', '!')} ${warning}`);
      if (changes.length === 0) return print(`no change: ${read.spec.name} is at definition ${short(current.sha256)}`);
      for (const change of changes) print(`${paint('yellow', '~')} ${change}`);
      return print(`${changes.length} change${changes.length === 1 ? '' : 's'}: \`perennial apply ${path}\` makes them`);
    });
};
