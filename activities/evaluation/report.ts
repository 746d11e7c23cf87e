import type { Calibration, EvaluationReport, HoldoutUse } from '#domain/contracts/evaluation-report.ts';
import { calibrationErrorByMass, observedOverExpected, spiegelhalterTest } from '#domain/stats/metrics/calibration.ts';
import { measure, measureAll } from '#domain/stats/metrics/metrics.ts';
import { type Scored, takeRows } from '#domain/stats/metrics/scored.ts';
import type { StepContext } from '../step-context.ts';
import type { Champion } from './champion.ts';
import { compareAll, compareFairness } from './comparisons.ts';
import type { ScoredModels } from './scored-models.ts';
import type { Subject } from './subject.ts';

type Measured = Pick<EvaluationReport, 'parity' | 'latencyMsPerRow'>;
type Against = Pick<EvaluationReport, 'champion' | 'comparisons' | 'fairness' | 'holdoutUse'>;

/** Puts metrics, comparisons and slices together. Everything but the latency is the same again for the same inputs. */
export const buildReport = async (
  subject: Subject,
  models: ScoredModels,
  champion: Champion | null,
  holdoutUse: HoldoutUse | null,
  measured: Measured,
  context: StepContext | undefined,
): Promise<EvaluationReport> => ({
  format: 1,
  frameSha256: subject.input.frameSha256,
  onnxSha256: subject.result.onnxSha256,
  rows: subject.labels.length,
  primaryMetric: subject.primaryMetric,
  candidate: measureAll(models.candidate),
  ...(await compareWith(subject, models, champion, holdoutUse, context)),
  calibration: calibrationOf(models),
  slices: models.slices.map(({ by, value, rows }) => ({
    by,
    value,
    rows: rows.length,
    metrics: measureAll(takeRows(models.candidate, rows)),
  })),
  ...measured,
});

const compareWith = async (
  subject: Subject,
  models: ScoredModels,
  champion: Champion | null,
  holdoutUse: HoldoutUse | null,
  context: StepContext | undefined,
): Promise<Against> => {
  if (champion === null || models.champion === null || holdoutUse === null) {
    return { champion: null, comparisons: [], fairness: [], holdoutUse: null };
  }
  const rivals = { ...models, champion: models.champion };
  return {
    champion: { version: champion.version, metrics: measureAll(models.champion) },
    comparisons: await compareAll(subject, rivals, holdoutUse, context),
    fairness: await compareFairness(subject, rivals, context),
    holdoutUse,
  };
};

/** Enough cells to see a bend, few enough to have rows. */
const calibrationCells = 10;

const calibrationOf = ({ candidate, champion }: ScoredModels): EvaluationReport['calibration'] =>
  candidate.task === 'binary' && candidate.labels.length > 0
    ? { candidate: describeCalibration(candidate), champion: champion === null ? null : describeCalibration(champion) }
    : null;

const describeCalibration = (scored: Scored): Calibration => ({
  expectedError: calibrationErrorByMass(scored.labels, scored.answers, calibrationCells),
  brier: measure('brier', scored) ?? 0,
  observedOverExpected: observedOverExpected(scored.labels, scored.answers),
  spiegelhalter: spiegelhalterTest(scored.labels, scored.answers),
});
