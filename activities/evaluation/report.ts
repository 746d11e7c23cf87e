import type { Calibration, EvaluationReport, HoldoutUse } from '#domain/contracts/evaluation-report.ts';
import { calibrationErrorByMass, observedOverExpected, spiegelhalterTest } from '#domain/stats/metrics/calibration.ts';
import { measure, measureAll } from '#domain/stats/metrics/metrics.ts';
import { type Scored, takeRows } from '#domain/stats/metrics/scored.ts';
import type { StepContext } from '../step-context.ts';
import type { Champion } from './champion.ts';
import { compareAll, compareFairness, type Rivals, rivalsOn } from './comparisons.ts';
import type { Unlearned } from './learned-rows.ts';
import type { ScoredModels } from './scored-models.ts';
import type { Subject } from './subject.ts';

type Measured = Pick<EvaluationReport, 'parity' | 'latencyMsPerRow'>;
type Against = Pick<EvaluationReport, 'champion' | 'championRows' | 'comparisons' | 'fairness' | 'holdoutUse'>;

/** Whom the candidate meets, how often the hold-out was used, and on which of its rows the champion can be judged. */
export type Opposition = { readonly champion: Champion; readonly holdoutUse: HoldoutUse } & Unlearned;

/** Puts metrics, comparisons and slices together. Everything but the latency is the same again for the same inputs. */
export const buildReport = async (
  subject: Subject,
  models: ScoredModels,
  opposition: Opposition | null,
  measured: Measured,
  context: StepContext | undefined,
): Promise<EvaluationReport> => {
  const rivals =
    opposition === null || models.champion === null ? null : rivalsOn({ ...models, champion: models.champion }, opposition.rows);
  return {
    format: 1,
    frameSha256: subject.input.frameSha256,
    onnxSha256: subject.result.onnxSha256,
    rows: subject.labels.length,
    primaryMetric: subject.primaryMetric,
    candidate: measureAll(models.candidate),
    ...(await compareWith(subject, rivals, opposition, context)),
    calibration: calibrationOf(models.candidate, rivals?.champion ?? null),
    slices: models.slices.map(({ by, value, rows }) => ({
      by,
      value,
      rows: rows.length,
      metrics: measureAll(takeRows(models.candidate, rows)),
    })),
    ...measured,
  };
};

const nobody: Against = { champion: null, championRows: null, comparisons: [], fairness: [], holdoutUse: null };

const compareWith = async (
  subject: Subject,
  rivals: Rivals | null,
  opposition: Opposition | null,
  context: StepContext | undefined,
): Promise<Against> => {
  if (opposition === null || rivals === null) return nobody;
  const { champion, championRows, holdoutUse } = opposition;
  const isComparable = championRows.kind !== 'unknown';
  return {
    champion: { version: champion.version, metrics: measureAll(rivals.champion) },
    championRows,
    comparisons: isComparable ? await compareAll(subject, rivals, holdoutUse, context) : [],
    fairness: isComparable ? await compareFairness(subject, rivals, context) : [],
    holdoutUse,
  };
};

/** Enough cells to see a bend, few enough to have rows. */
const calibrationCells = 10;

const calibrationOf = (candidate: Scored, champion: Scored | null): EvaluationReport['calibration'] =>
  candidate.task === 'binary' && candidate.labels.length > 0
    ? {
        candidate: describeCalibration(candidate),
        champion: champion === null || champion.labels.length === 0 ? null : describeCalibration(champion),
      }
    : null;

const describeCalibration = (scored: Scored): Calibration => ({
  expectedError: calibrationErrorByMass(scored.labels, scored.answers, calibrationCells),
  brier: measure('brier', scored) ?? 0,
  observedOverExpected: observedOverExpected(scored.labels, scored.answers),
  spiegelhalter: spiegelhalterTest(scored.labels, scored.answers),
});
