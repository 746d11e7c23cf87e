/** What can be said of a pipeline's data and trainer before anything runs. */
import type { DatasetColumn, DatasetSchema } from '#domain/contracts/dataset.ts';
import type { DataSpec } from '#domain/contracts/pipeline-spec/data.ts';
import type { PipelineSpec } from '#domain/contracts/pipeline-spec/pipeline-spec.ts';
import { PerennialError } from '#domain/errors.ts';
import type { Config } from '../../../infra/config.ts';
import { lacksCredentials } from '../../../infra/sources/s3-address.ts';
import { type Glance, glanceAt } from '../../../infra/tabular/glance.ts';
import { checkTrainerName } from '../../../infra/trainer/find-trainer.ts';
import { withScratch } from '../data/scratch.ts';
import { note, paint, print, table, tellError } from '../output.ts';
import { splitText } from './split-text.ts';

export type Outlook = {
  /** null: the source is no table, or too large to be brought here, or one of the problems keeps it from being read. */
  readonly glance: Glance | null;
  readonly warnings: readonly string[];
  /** Each would end a run, or keep it from beginning. */
  readonly problems: readonly PerennialError[];
};

/** Rows that have a time and are split by chance are asked of a model that has seen their future: it looks better than it is. */
export const timestampWarnings = (data: DataSpec, columns: readonly DatasetColumn[]): string[] =>
  data.event_time !== undefined
    ? []
    : columns
        .filter(({ type, role }) => type === 'timestamp' && role === 'feature')
        .map(
          ({ name }) =>
            `column "${name}" is a timestamp; without data.event_time rows are split by chance and it is a feature like any other: write event_time: ${name} under data where it is when a row happened`,
        );

/** Columns told of by name; a source may have thousands. */
const toldColumns = 5;

/** A column that nobody named is not there for a model, and nothing else would say so. */
export const unreadWarnings = ({ unread, isFrozen }: Pick<Glance, 'unread' | 'isFrozen'>): string[] => {
  if (unread.length === 0) return [];
  const names = unread.slice(0, toldColumns).map((name) => `"${name}"`);
  const more = unread.length > toldColumns ? ` and ${unread.length - toldColumns} more` : '';
  const what = `${unread.length === 1 ? 'column' : 'columns'} ${names.join(', ')}${more} of the source ${unread.length === 1 ? 'is' : 'are'} not read`;
  const why = isFrozen
    ? 'the newest snapshot has none of that name, and its columns are frozen: declare all that are meant under data.columns'
    : 'data.columns names others: name each that is meant there, with role: ignore where no model should learn from it';
  return [`${what}, as ${why}`];
};

/** The problem that `work` ends with; other errors are thrown. */
const problemOf = async (work: () => unknown): Promise<PerennialError[]> => {
  try {
    await work();
    return [];
  } catch (error) {
    if (error instanceof PerennialError) return [error];
    throw error;
  }
};

/** Workers may have the credentials that are missing here: a pipeline that was not looked at is not wrong. */
const warningOf = ({ message }: PerennialError): string => `the sources were not looked at: ${message}`;

/** A look at the sources of a pipeline, in its folder or in a bucket; nothing is hashed or stored. */
export const outlookOf = async (
  config: Pick<Config, 'memoryMiB' | 'threads' | 's3'>,
  spec: PipelineSpec,
  folder: string,
  frozen: DatasetSchema | null,
): Promise<Outlook> => {
  const { memoryMiB, threads, s3 } = config;
  let glance: Glance | null = null;
  const look = (scratch: string) => glanceAt(spec.data, folder, { folder: scratch, memoryMiB, threads, frozen, s3 });
  const ofSources = await problemOf(async () => {
    glance = await withScratch(look);
  });
  const ofTrainer = await problemOf(() => checkTrainerName(spec.training.trainer, folder));
  const found = glance as Glance | null;
  const unseen = ofSources.filter(lacksCredentials);
  return {
    glance: found,
    warnings: [
      ...unseen.map(warningOf),
      ...timestampWarnings(spec.data, found?.columns ?? []),
      ...(found === null ? [] : unreadWarnings(found)),
    ],
    problems: [...ofSources.filter((problem) => !unseen.includes(problem)), ...ofTrainer],
  };
};

const shownColumns = 60;

const tellColumns = ({ objects, looked, columns, isFrozen }: Glance): void => {
  const more = looked.length > 1 ? ` and ${looked.length - 1} more` : '';
  const of = objects > looked.length ? ` (of ${objects} files)` : '';
  const found = `columns, by the first rows of ${looked[0]}${more}${of}; what a run finds first is frozen`;
  print(paint('dim', isFrozen ? 'columns, as the newest snapshot has them: frozen until the file declares data.columns' : found));
  for (const line of table([
    ['column', 'type', 'role'],
    ...columns.slice(0, shownColumns).map(({ name, type, role }) => [name, type, role]),
  ]).split('\n'))
    print(`  ${line}`);
  if (columns.length > shownColumns) print(`  and ${columns.length - shownColumns} more`);
};

/** What a person should see before a run: columns and split; on standard error what is doubtful, and what cannot work. */
export const tellOutlook = (spec: PipelineSpec, { glance, warnings, problems }: Outlook): void => {
  if (glance !== null && glance.columns.length > 0) tellColumns(glance);
  print(`split ${splitText(spec)}`);
  for (const warning of warnings) note(`${paint('yellow', 'warning', process.stderr)} ${warning}`);
  for (const problem of problems) tellError(problem);
};
