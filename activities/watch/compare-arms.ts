/** Candidate against champion by the labels of the rows that each of them answered, at any time. */
import type { Evidence } from '#domain/contracts/evidence.ts';
import { modelPackageSchema } from '#domain/contracts/model-version.ts';
import type { RolloutRecord } from '#domain/contracts/rollout.ts';
import { PerennialError } from '#domain/errors.ts';
import { sequenceHalfWidth, sequenceTuning } from '#domain/stats/sequential/mean-sequence.ts';
import { varianceOfDifference } from '#domain/stats/sequential/normal-mixture.ts';
import type { Instant, VersionNumber } from '#domain/units.ts';
import { type JoinDeps, withJoined } from '../../infra/performance/joined.ts';
import { type ArmLoss, type ArmQuestion, measureArm } from '../../infra/performance/questions.ts';
import type { PredictionParts } from '../../infra/postgres/prediction-parts.ts';
import type { CpuDeps } from '../deps.ts';
import { createLabelReader, outputsOf } from './scored-rows.ts';

export type ArmDeps = Pick<CpuDeps, 'content' | 'scratch' | 'registry' | 'limits'> &
  Pick<JoinDeps, 'labels'> & { readonly predictionParts: Pick<PredictionParts, 'answeredSince'> };

const evidenceId = 'labels/gain';
/** Bounds of means of losses hold for large samples; below so many labelled units of an arm nothing is said. */
const fewestUnits = 100;
/** Bounds are narrowest at about so many labelled rows: an A/B test that is decided much sooner or later pays with some width. */
const tunedRows = 2_000;

/** One stretch of the rollout over which the share was the same, with both arms in it. */
type Stretch = { readonly champion: ArmLoss; readonly candidate: ArmLoss };

const pair = (champion: readonly ArmLoss[], candidate: readonly ArmLoss[]): Stretch[] =>
  champion.flatMap((one) => {
    const other = candidate.find(({ segment }) => segment === one.segment);
    return other === undefined ? [] : [{ champion: one, candidate: other }];
  });

const rowsOf = (arm: readonly ArmLoss[]): number => arm.reduce((sum, one) => sum + one.rows, 0);
const unitsOf = (arm: readonly ArmLoss[]): number => arm.reduce((sum, one) => sum + one.units, 0);

/**
 * The champion's mean loss less the candidate's, with bounds that hold at all times together. Each stretch is compared with
 * itself, for who comes may change with the share, and weighs by its rows. Rows are taken as independent.
 *
 * Source: `sequenceHalfWidth`; of a sum of stretches by adding variances.
 */
export const compareLosses = (
  champion: readonly ArmLoss[],
  candidate: readonly ArmLoss[],
  alpha: number,
  what: string,
): Evidence => {
  const stretches = pair(champion, candidate);
  const all = stretches.flatMap((one) => [one.champion, one.candidate]);
  const fewer = Math.min(unitsOf(stretches.map((one) => one.champion)), unitsOf(stretches.map((one) => one.candidate)));
  const rows = rowsOf(all);
  const common = { id: evidenceId, what, rows };
  if (fewer < fewestUnits) {
    const counted = unitsOf(all) === rows ? 'rows' : 'entities';
    return {
      ...common,
      kind: 'insufficient',
      reason: `labelled ${counted} of each arm ${fewer} >= ${fewestUnits} does not hold`,
    };
  }
  let [estimate, variance] = [0, 0];
  for (const { champion: one, candidate: other } of stretches) {
    const weight = (one.rows + other.rows) / rows;
    estimate += weight * (one.mean - other.mean);
    variance += weight ** 2 * varianceOfDifference(one, other);
  }
  const reach = sequenceHalfWidth(
    { deviation: Math.sqrt(variance * rows), rows },
    { alpha, tuning: sequenceTuning(tunedRows, alpha) },
  );
  return {
    ...common,
    kind: 'interval',
    estimate,
    lower: estimate - reach,
    upper: estimate + reach,
    confidence: 1 - alpha,
    sides: 'two',
    standardError: Math.sqrt(variance),
    method: 'asymptotic confidence sequence (Waudby-Smith et al.)',
  };
};

const readArm = async (deps: ArmDeps, { pipeline }: RolloutRecord, version: VersionNumber): Promise<ArmQuestion> => {
  const known = await deps.registry.get(pipeline, version);
  if (known === null) throw new PerennialError('PRN_NOT_FOUND', `Cannot find version ${version} of "${pipeline}"`);
  const model = modelPackageSchema.parse(await deps.content.getJson(known.modelSha256));
  return {
    modelSha256: known.modelSha256,
    task: model.task,
    width: outputsOf(model),
    readLabel: createLabelReader(model),
  };
};

/**
 * Evidence on the candidate's gain over the champion on labels that have come so far: of the Brier score for classes, of the
 * mean absolute error for numbers; more is better for the candidate. It may be asked for at any time and as often as one
 * likes. Insufficient with fewer than 100 labelled units of an arm: entities where one stays with its arm, else rows. Reads;
 * the same data give the same evidence.
 */
export const createCompareArmsOnLabels =
  (deps: ArmDeps) =>
  async (rollout: RolloutRecord, alpha: number): Promise<Evidence> => {
    const { pipeline, startedAt, segments } = rollout;
    const [champion, candidate] = [
      await readArm(deps, rollout, rollout.championVersion),
      await readArm(deps, rollout, rollout.version),
    ];
    const generations = segments.map(({ generation }) => generation);
    const parts = await deps.predictionParts.answeredSince(pipeline, startedAt);
    const dataTime = new Date().toISOString() as Instant;
    const what = `${champion.task === 'regression' ? 'mean absolute error' : 'Brier score'}, champion minus candidate, on labels`;
    return await deps.scratch.withFolder('arms', (folder) =>
      withJoined(deps, { pipeline, parts, from: null, dataTime, groupBy: 'unit', folder }, async (joined) =>
        compareLosses(
          await measureArm(joined, champion, generations),
          await measureArm(joined, candidate, generations),
          alpha,
          what,
        ),
      ),
    );
  };
