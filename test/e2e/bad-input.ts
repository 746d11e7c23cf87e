/** What a user may bring that is wrong: files of a pipeline each, and what a run of them has to end with. */
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { ErrorCode } from '#domain/errors.ts';

const fixtures = resolve(import.meta.dirname, '../workers/trainers/fixtures');

/** Rows that a logistic regression learns well: who pays much and is new leaves. `change` spoils a row. */
export const rows = (count: number, change: (cells: string[], row: number) => string[] = (cells) => cells): string => {
  const row = (_: unknown, index: number): string => {
    const [tenure, charges] = [(index * 37) % 72, 20 + ((index * 53) % 90)];
    const leaves = charges - tenure + ((index * 29) % 31) > 45;
    return change([`c${index}`, String(tenure), String(charges), String(leaves)], index).join(',');
  };
  return ['id,tenure,charges,churned', ...Array.from({ length: count }, row), ''].join('\n');
};

/** Puts a value into a column of the rows asked for. */
export const cell = (column: number, value: string, where: (row: number) => boolean) => (cells: string[], row: number) =>
  where(row) ? cells.with(column, value) : cells;

const pipelineOf = (name: string, training = 'trainer: reference'): string => `name: ${name}
data:
  source: rows.csv
  key: id
  label: churned
  columns:
    id: { type: string, role: ignore }
    tenure: { type: integer, min: 0 }
    charges: { type: number }
    churned: { type: boolean }
training:
  ${training}
  holdout: 30%
`;

export type BadInput = {
  readonly name: string;
  readonly pipeline?: string;
  /** null: the file is not there. Absent: good rows. */
  readonly csv?: string | null;
  /** A fixture program that is the trainer. */
  readonly trainer?: string;
  /** What the trainer may take; long enough for a busy machine where its time is not what is tested. */
  readonly timeout?: string;
  readonly exit: number;
  /** The code of the error; absent where the run ends with a verdict. */
  readonly code?: ErrorCode;
  readonly says: RegExp;
};

/** Refused before a run begins. */
const files = {
  'malformed YAML': {
    name: 'malformed',
    pipeline: 'name: malformed\ndata: [rows.csv\n',
    exit: 2,
    code: 'PRN_SPEC_UNREADABLE',
    says: /^malformed\/pipeline\.yaml:3:1: .*must be .* end with a \]$/,
  },
  'an unknown field': {
    name: 'unknown-field',
    pipeline: pipelineOf('unknown-field', 'traner: reference'),
    exit: 2,
    code: 'PRN_SPEC_INVALID',
    says: /^unknown-field\/pipeline\.yaml:12:3: unknown key "traner"; did you mean "trainer"\?/,
  },
  'a missing file': {
    name: 'no-file',
    csv: null,
    exit: 4,
    code: 'PRN_SOURCE_MISSING',
    says: /^Cannot list source ".*no-file\/rows\.csv" as there is no such file or folder$/,
  },
  'a trainer that is not there': {
    name: 'no-trainer',
    pipeline: pipelineOf('no-trainer', 'trainer: ./nowhere'),
    exit: 2,
    code: 'PRN_TRAINER_UNKNOWN',
    says: /^Cannot find trainer ".\/nowhere" as it must be lightgbm, reference or a folder with a trainer\.json/,
  },
} as const satisfies Record<string, BadInput>;

const allIn = (column: number, value: string): string =>
  rows(
    300,
    cell(column, value, () => true),
  );

const data = {
  'a column that is not there': {
    name: 'no-column',
    csv: rows(300).replace('charges', 'charge'),
    exit: 1,
    code: 'PRN_DATA_COLUMN_MISSING',
    says: /^Cannot ingest .* column "charges" is not there: it has "id", "tenure", "charge", "churned"$/,
  },
  'a label that is not there': {
    name: 'no-label',
    csv: rows(300).replace('churned', 'left'),
    exit: 1,
    code: 'PRN_DATA_COLUMN_MISSING',
    says: /column "churned" is not there/,
  },
  'late rows of a wrong type, more than the share': {
    name: 'late-types',
    csv: rows(
      1000,
      cell(1, 'many', (row) => row > 970),
    ),
    exit: 3,
    says: /rejected rows <= 1\.00%: 29 of 1000 rows \(2\.90%\), most of all 29 x "tenure" not an integer, such as rows\.csv line 973: "many"/,
  },
  'an empty file': {
    name: 'empty',
    csv: '',
    exit: 1,
    code: 'PRN_DATA_EMPTY',
    says: /^Cannot ingest "rows\.csv" of ".*" as a source must hold at least one row: there are none$/,
  },
  'a header without rows': {
    name: 'header-only',
    csv: rows(0),
    exit: 1,
    code: 'PRN_DATA_EMPTY',
    says: /"rows\.csv" .* there are none$/,
  },
  'bytes that are no CSV': {
    name: 'not-csv',
    csv: '\u0000\u0001\u0002PAR1\u0000'.repeat(50),
    exit: 1,
    code: 'PRN_SOURCE_UNREADABLE',
    says: /^Cannot read "rows\.csv" as CSV as its first line holds zero bytes: expected UTF-8/,
  },
  'one class only': {
    name: 'one-class',
    csv: allIn(3, 'false'),
    exit: 3,
    says: /"churned" has at least 2 values: observed only false/,
  },
  'a label that is never known': {
    name: 'null-label',
    csv: allIn(3, ''),
    exit: 3,
    says: /"churned" has a value in 0 of 300 rows: expected at least 1/,
  },
  'a column without values': {
    name: 'null-column',
    csv: allIn(2, ''),
    exit: 3,
    says: /"charges" has a value in 0 of 300 rows: expected at least 1/,
  },
  'a column without values whose type nobody declared': {
    name: 'null-inferred',
    pipeline: [
      'name: null-inferred',
      'data: { source: rows.csv, label: churned }',
      'training: { trainer: reference, holdout: 30% }',
    ].join('\n'),
    csv: allIn(2, ''),
    exit: 3,
    says: /"charges" has a value in 0 of 300 rows: expected at least 1/,
  },
  'duplicate keys': {
    name: 'same-keys',
    csv: rows(300, (cells, row) => cells.with(0, `c${row % 150}`)),
    exit: 3,
    says: /150 of 300 rows \(50\.00%\), most of all 150 x "id" duplicate key, such as rows\.csv line \d+: "c\d+"/,
  },
} as const satisfies Record<string, BadInput>;

const bad = { exit: 1, code: 'PRN_TRAINER_BAD_RESULT' } as const;
const crash = { exit: 1, code: 'PRN_TRAINER_CRASHED' } as const;
/** The program starts in a fraction of it, and its end is waited for twice: a retry may mend a machine that hangs. */
const hang = { exit: 1, code: 'PRN_TRAINER_SILENT', timeout: '3s' } as const;

const trainers = {
  'a trainer that crashes': {
    ...crash,
    name: 'crashes',
    trainer: 'exits-at-once',
    says: /must end with success: it crashed \(exit code 1, .*its last lines:\nno such column "tenure"$/,
  },
  'a trainer that throws': {
    ...crash,
    name: 'throws',
    trainer: 'throws',
    says: /Error: learning_rate 9 was rejected by the optimiser/,
  },
  'a trainer that is killed': {
    ...crash,
    name: 'killed',
    trainer: 'killed',
    says: /must end by itself: it was killed \(signal SIGKILL.*last progress: step 5 of 10$/,
  },
  'a trainer that hangs': {
    ...hang,
    name: 'hangs',
    trainer: 'falls-silent',
    says: /still running, and training\.resources\.timeout allows 3\.0 s .*last progress: step 3 of 9$/,
  },
  'a trainer that never ends': {
    ...hang,
    name: 'goes-on',
    trainer: 'heartbeats-forever',
    says: /resources\.timeout allows 3\.0 s/,
  },
  'a trainer that lies about its model': {
    ...bad,
    name: 'lies',
    trainer: 'lies-about-digest',
    says: /must state the digest of the model it wrote: it states another, result\.json says 0{64}, and "model\.onnx" has [0-9a-f]{64}/,
  },
  'a trainer that writes half a result': {
    ...bad,
    name: 'half',
    trainer: 'writes-half-a-result',
    says: /must write a whole and true result\.json: .* it is not JSON \(\d+ characters\)/,
  },
  'a trainer that writes NaN': {
    ...bad,
    name: 'nan',
    trainer: 'nan-result',
    says: /result\.json .* holds NaN or Infinity, which JSON does not have/,
  },
  'a trainer that writes no model': { ...bad, name: 'garbage', trainer: 'model-is-garbage', says: /Cannot read the ONNX file/ },
  'a model of NaN': {
    name: 'answers-nan',
    trainer: 'answers-nan',
    exit: 1,
    code: 'PRN_MODEL_REFUSED',
    says: /^Cannot admit model as initializer "weights" must hold numbers only: it holds NaN$/,
  },
  'a model that answers some rows with NaN': {
    name: 'nan-later',
    trainer: 'answers-nan-later',
    exit: 1,
    code: 'PRN_MODEL_REFUSED',
    says: /^Cannot admit model as its answers must be finite: of the rows it was tried with, row \d+, output \d is NaN$/,
  },
} as const satisfies Record<string, BadInput>;

/** Without and with a run behind them. */
export const badFiles: Readonly<Record<string, BadInput>> = files;
export const badRuns: Readonly<Record<string, BadInput>> = { ...data, ...trainers };

/** Lays out a pipeline's folder and returns the path to run. */
export const layOut = async (folder: string, input: Omit<BadInput, 'exit' | 'says'>): Promise<string> => {
  const { name, trainer, timeout = '30s' } = input;
  const place = join(folder, name);
  const training = trainer === undefined ? undefined : `trainer: ./trainer\n  resources: { timeout: ${timeout} }`;
  await rm(place, { recursive: true, force: true });
  await mkdir(join(place, 'trainer'), { recursive: true });
  await writeFile(join(place, 'pipeline.yaml'), input.pipeline ?? pipelineOf(name, training));
  if (input.csv !== null) await writeFile(join(place, 'rows.csv'), input.csv ?? rows(300));
  const command = ['node', join(fixtures, `${trainer}.ts`)];
  if (trainer !== undefined) await writeFile(join(place, 'trainer/trainer.json'), JSON.stringify({ format: 1, command }));
  return place;
};
