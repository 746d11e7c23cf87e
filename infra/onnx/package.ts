/** The model package: what a server needs of a model version, with rows by which it can tell that it serves the same model. */
import type { FeatureFrame } from '#domain/contracts/feature-set.ts';
import { type ModelPackage, modelPackageSchema } from '#domain/contracts/model-version.ts';
import { PerennialError } from '#domain/errors.ts';
import { decisionThreshold } from '#domain/stats/metrics/scored.ts';
import type { PipelineName, Sha256 } from '#domain/units.ts';
import type { OnnxSession } from './session.ts';

/** Rows kept in a package: enough to meet most categories and branches, few enough to check in a millisecond. */
export const goldenRows = 16;

/** The same runtime on another processor differs in the last bits of a float32 (6e-8); a wrong model differs in the second digit. */
export const goldenTolerance = 1e-5;

/** Row-major numbers: `[rows, width]`. */
export type Matrix = { readonly data: ArrayLike<number>; readonly rows: number; readonly width: number };

export type PackageParts = {
  readonly pipeline: PipelineName;
  readonly task: FeatureFrame['task'];
  readonly classes: readonly string[];
  readonly onnx: { readonly sha256: Sha256; readonly bytes: number };
  readonly session: Pick<OnnxSession, 'inputs' | 'output'>;
  readonly featureSetSha256: Sha256;
  readonly features: Matrix;
  readonly answers: Matrix;
};

/** Puts a package together; the golden rows are spread evenly over the rows given. Same parts, same package. */
export const buildModelPackage = (parts: PackageParts): ModelPackage =>
  parseModelPackage({
    format: 1,
    pipeline: parts.pipeline,
    task: parts.task,
    classes: [...parts.classes],
    positiveClass: parts.task === 'binary' ? (parts.classes[1] ?? null) : null,
    threshold: decisionThreshold,
    onnx: { ...parts.onnx, inputs: parts.session.inputs, output: parts.session.output },
    featureSetSha256: parts.featureSetSha256,
    golden: goldenPlaces(parts.features.rows).map((row) => ({
      vector: rowOf(parts.features, row).map((value) => (Number.isNaN(value) ? null : value)),
      answer: rowOf(parts.answers, row),
    })),
  });

/** Row numbers of the golden rows: spread evenly, the first one included. */
export const goldenPlaces = (rows: number): number[] => {
  const count = Math.min(rows, goldenRows);
  return Array.from({ length: count }, (_, index) => Math.floor((index * rows) / count));
};

const rowOf = (matrix: Matrix, row: number): number[] =>
  Array.from({ length: matrix.width }, (_, column) => matrix.data[row * matrix.width + column] as number);

/** Parses a stored package; throws PRN_INPUT_INVALID naming the field. */
export const parseModelPackage = (value: unknown): ModelPackage => {
  const parsed = modelPackageSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw new PerennialError(
    'PRN_INPUT_INVALID',
    `Cannot read model package as "${issue?.path.join('.')}" is wrong: ${issue?.message}`,
  );
};

/**
 * Compares the session's answers for the golden rows with those that were evaluated, to 1e-5 of the larger of 1 and the
 * answer. Throws PRN_MODEL_REFUSED naming row and output of the largest difference. A package without rows passes.
 */
export const checkGolden = async (session: Pick<OnnxSession, 'run'>, modelPackage: ModelPackage): Promise<void> => {
  const rows = modelPackage.golden;
  const [first] = rows;
  if (first === undefined) return;
  const matrix = Float32Array.from(rows.flatMap((row) => row.vector.map((value) => value ?? Number.NaN)));
  const answers = await session.run(matrix, rows.length);
  const wanted = rows.flatMap((row) => row.answer);
  if (answers.length !== wanted.length) {
    throw refused(
      `Cannot use model as it must answer ${wanted.length / rows.length} numbers a row: got ${answers.length / rows.length}`,
    );
  }
  const worst = worstDifference(answers, wanted);
  if (worst.excess <= goldenTolerance) return;
  const row = Math.floor(worst.index / first.answer.length);
  const output = worst.index % first.answer.length;
  throw refused(
    `Cannot use model as golden row ${row}, output ${output} must be ${wanted[worst.index]} within ${goldenTolerance}: got ${answers[worst.index]}`,
  );
};

/** The largest difference relative to the larger of 1 and the wanted number; what is not a number is infinitely far. */
export const worstDifference = (found: ArrayLike<number>, wanted: ArrayLike<number>): { index: number; excess: number } => {
  let worst = { index: 0, excess: 0 };
  for (let index = 0; index < wanted.length; index++) {
    const difference = Math.abs((found[index] as number) - (wanted[index] as number));
    const relative = difference / Math.max(1, Math.abs(wanted[index] as number));
    const excess = Number.isNaN(relative) ? Number.POSITIVE_INFINITY : relative;
    if (excess > worst.excess) worst = { index, excess };
  }
  return worst;
};

const refused = (message: string): PerennialError => new PerennialError('PRN_MODEL_REFUSED', message);
