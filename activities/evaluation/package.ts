import type { EvaluationReport } from '#domain/contracts/evaluation-report.ts';
import type { Sha256 } from '#domain/units.ts';
import { type NpyRows, openNpyRows } from '../../infra/features/npy-rows.ts';
import { buildModelPackage, goldenPlaces, type Matrix } from '../../infra/onnx/package.ts';
import type { OnnxSession } from '../../infra/onnx/session.ts';
import type { CpuDeps } from '../deps.ts';
import { measureParity } from './parity.ts';
import { measureLatency } from './score.ts';
import type { Subject } from './subject.ts';

type Deps = Pick<CpuDeps, 'content'>;

const withMatrix = async <T>(deps: Deps, sha256: Sha256, work: (matrix: NpyRows) => Promise<T>): Promise<T> => {
  const matrix = await openNpyRows(await deps.content.localFile(sha256));
  try {
    return await work(matrix);
  } finally {
    await matrix.close();
  }
};

/** What is measured of the runtime that serves: parity with the trainer, and the time of one answer. */
export const measureServed = (
  deps: Deps,
  { frame, result }: Subject,
  session: OnnxSession,
): Promise<Pick<EvaluationReport, 'parity' | 'latencyMsPerRow'>> =>
  withMatrix(deps, frame.train.features, async (matrix) => ({
    parity: await measureParity(session, matrix, result.parity),
    latencyMsPerRow: await measureLatency(session, matrix),
  }));

/** Writes the model package with golden rows of the hold-out and the answers that were evaluated; returns its digest. */
export const writePackage = (deps: Deps, subject: Subject, session: OnnxSession, evaluated: Float32Array): Promise<Sha256> =>
  withMatrix(deps, subject.frame.holdout.features, async (matrix) => {
    const places = goldenPlaces(matrix.rows);
    const features = Float32Array.from((await Promise.all(places.map((row) => matrix.read(row, 1)))).flatMap((row) => [...row]));
    const width = session.outputWidth;
    const answers = Float32Array.from(places.flatMap((row) => [...evaluated.subarray(row * width, (row + 1) * width)]));
    const { input, frame, result } = subject;
    const modelPackage = buildModelPackage({
      pipeline: input.pipeline,
      task: frame.task,
      classes: frame.classes,
      onnx: { sha256: result.onnxSha256, bytes: result.onnxBytes },
      session,
      featureSetSha256: frame.featureSetSha256,
      features: matrixOf(features, places.length, matrix.columns),
      answers: matrixOf(answers, places.length, width),
    });
    return deps.content.putJson(modelPackage);
  });

const matrixOf = (data: Float32Array, rows: number, width: number): Matrix => ({ data, rows, width });
