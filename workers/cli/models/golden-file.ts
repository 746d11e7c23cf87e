import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { PerennialError } from '#domain/errors.ts';
import { worstDifference } from '../../../infra/onnx/package.ts';

const numberOrMissing = z.number().nullable();
const goldenFileSchema = z
  .array(
    z.strictObject({
      features: z.union([z.array(numberOrMissing), z.record(z.string(), numberOrMissing)]),
      answer: z.union([z.number().transform((value) => [value]), z.array(z.number()).min(1)]),
    }),
  )
  .min(1)
  .max(64);

export type GoldenRow = { readonly vector: readonly (number | null)[]; readonly answer: readonly number[] };

/** Answers of the team's own runtime differ in the last bits of a float32, and of whatever wrote the numbers down. */
export const importTolerance = 1e-4;

/** Reads rows with the answers that the team's own server gives. Throws PRN_INPUT_INVALID naming the row. */
export const readGoldenFile = async (file: string, names: readonly string[]): Promise<GoldenRow[]> => {
  const parsed = goldenFileSchema.safeParse(await readJson(file));
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw invalid(`Cannot read golden rows from "${file}" as "${issue?.path.join('.')}" is wrong: ${issue?.message}`);
  }
  return parsed.data.map(({ features, answer }, row) => {
    const vector = Array.isArray(features) ? features : names.map((name) => valueOf(features, name, row));
    if (vector.length === names.length) return { vector, answer };
    throw invalid(`Cannot use golden row ${row} as it must have ${names.length} features: it has ${vector.length}`);
  });
};

const readJson = async (file: string): Promise<unknown> => {
  try {
    return JSON.parse(await readFile(file, 'utf8'));
  } catch (cause) {
    throw new PerennialError('PRN_INPUT_INVALID', `Cannot read golden rows from "${file}": ${(cause as Error).message}`, {
      cause,
    });
  }
};

const valueOf = (features: Readonly<Record<string, number | null>>, name: string, row: number): number | null => {
  const value = features[name];
  if (value === undefined) throw invalid(`Cannot use golden row ${row} as it must have the feature "${name}": it has not`);
  return value;
};

/** Compares what the model answers here with what the team says it answers. Throws PRN_MODEL_PARITY naming row and output. */
export const compareWithGolden = (rows: readonly GoldenRow[], answers: readonly number[], width: number): void => {
  const wrong = rows.findIndex((row) => row.answer.length !== width);
  if (wrong >= 0)
    throw invalid(`Cannot use golden row ${wrong} as it must have ${width} answers: it has ${rows[wrong]?.answer.length}`);
  const wanted = rows.flatMap((row) => row.answer);
  const { index, excess } = worstDifference(answers, wanted);
  if (excess <= importTolerance) return;
  throw new PerennialError(
    'PRN_MODEL_PARITY',
    `Cannot import model as golden row ${Math.floor(index / width)}, output ${index % width} must be ${wanted[index]} within ${importTolerance}: it is ${answers[index]}`,
  );
};

const invalid = (message: string): PerennialError => new PerennialError('PRN_INPUT_INVALID', message);
