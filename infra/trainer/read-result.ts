/** Reads what a trainer says it made, and believes nothing that was not checked. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile, realpath, stat } from 'node:fs/promises';
import { join, resolve, sep } from 'node:path';
import { type TrainerEnding, type TrainerResult, type TrainingJob, trainerResultSchema } from '#domain/contracts/training-job.ts';
import { decodeModel } from '../onnx/proto.ts';
import type { TrainerOutput } from './end.ts';

/** A result holds some hundred numbers; a model of more than a gigabyte does not fit a server's memory twice. */
const resultLimitBytes = 16 * 1024 * 1024;
const modelLimitBytes = 1024 * 1024 * 1024;

export type Refusal = { readonly ending: TrainerEnding; readonly problem: string };
type Checked<T> = { readonly ok: T } | { readonly refused: Refusal };

const refuse = (ending: TrainerEnding, problem: string): { refused: Refusal } => ({ refused: { ending, problem } });
const quoteNumber = (text: string): string =>
  /[:,[\s](-?(?:NaN|Infinity))\b/.test(text) ? 'it holds NaN or Infinity, which JSON does not have' : 'it is not JSON';

const parse = (text: string): Checked<TrainerResult> => {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return refuse('bad-result', `result.json cannot be read: ${quoteNumber(text)} (${text.length} characters)`);
  }
  const parsed = trainerResultSchema.safeParse(value);
  if (parsed.success) return { ok: parsed.data };
  const issue = parsed.error.issues[0];
  return refuse('bad-result', `result.json is wrong at "${issue?.path.join('.')}": ${issue?.message}`);
};

const readJson = async (file: string): Promise<Checked<TrainerResult>> => {
  const found = await stat(file).catch(() => null);
  if (found === null) return refuse('no-result', 'the output folder holds no such file');
  if (!found.isFile() || found.size > resultLimitBytes) {
    return refuse('bad-result', `result.json must be a file of at most ${resultLimitBytes} bytes: it has ${found.size}`);
  }
  return parse(await readFile(file, 'utf8'));
};

/** The trainer's own answers must fit the task, or parity could not be proved later. */
const checkParity = (result: TrainerResult, job: TrainingJob): Refusal | null => {
  const { rows, answers } = result.parity;
  const width = job.task === 'regression' ? 1 : job.classes.length;
  const bad = (problem: string): Refusal => ({ ending: 'bad-result', problem: `parity ${problem}` });
  if (rows.length === 0) return bad('must hold at least one row: it holds none');
  if (rows.length !== answers.length) return bad(`must hold one answer a row: ${rows.length} rows, ${answers.length} answers`);
  const outside = rows.find((row) => row >= job.train.rows);
  if (outside !== undefined) return bad(`names row ${outside} of a matrix of ${job.train.rows} rows`);
  const wrong = answers.findIndex((answer) => answer.length !== width);
  if (wrong !== -1) return bad(`answers must hold ${width} numbers: answer ${wrong} holds ${answers[wrong]?.length}`);
  return null;
};

const sha256OfFile = async (file: string): Promise<string> => {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(file)) hash.update(chunk as Buffer);
  return hash.digest('hex');
};

const locateModel = async (outputFolder: string, path: string): Promise<Checked<{ file: string; bytes: number }>> => {
  const root = await realpath(outputFolder);
  const file = await realpath(resolve(root, path)).catch(() => null);
  const found = file === null ? null : await stat(file);
  if (file === null || !found?.isFile()) return refuse('model-missing', `"${path}" is not in the output folder`);
  if (!file.startsWith(root + sep)) return refuse('model-missing', `"${path}" leads out of the output folder`);
  if (found.size > modelLimitBytes) {
    return refuse('bad-result', `a model must have at most ${modelLimitBytes} bytes: "${path}" has ${found.size}`);
  }
  return { ok: { file, bytes: found.size } };
};

const checkModel = async (outputFolder: string, result: TrainerResult): Promise<Checked<TrainerOutput>> => {
  const { path, sha256 } = result.model;
  const located = await locateModel(outputFolder, path);
  if ('refused' in located) return located;
  const { file, bytes } = located.ok;
  const actual = await sha256OfFile(file);
  if (actual !== sha256) return refuse('model-digest-mismatch', `result.json says ${sha256}, and "${path}" has ${actual}`);
  try {
    decodeModel(await readFile(file));
  } catch (error) {
    return refuse('bad-result', (error as Error).message);
  }
  return { ok: { result, modelFile: file, modelBytes: bytes } };
};

/**
 * Reads `result.json` in the output folder and checks, in this order: that it is there, is whole JSON of the contract's form
 * with finite numbers only, repeats the training key, holds answers that fit the task, and names a model inside the folder
 * that has the stated digest and is an ONNX file. Does not throw for what a trainer can do wrong.
 */
export const readTrainerResult = async (jobFolder: string, job: TrainingJob): Promise<Checked<TrainerOutput>> => {
  const outputFolder = join(jobFolder, job.outputFolder);
  const read = await readJson(join(outputFolder, 'result.json'));
  if ('refused' in read) return read;
  if (read.ok.trainingKey !== job.trainingKey) {
    return refuse('wrong-key', `the job says ${job.trainingKey}, the result ${read.ok.trainingKey}`);
  }
  const parity = checkParity(read.ok, job);
  return parity === null ? checkModel(outputFolder, read.ok) : { refused: parity };
};
