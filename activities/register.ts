import { evaluationReportSchema } from '#domain/contracts/evaluation-report.ts';
import { featureFrameSchema } from '#domain/contracts/feature-set.ts';
import { referenceProfileSchema } from '#domain/contracts/reference-profile.ts';
import { trainingResultSchema } from '#domain/contracts/training-job.ts';
import { PerennialError } from '#domain/errors.ts';
import { parseModelPackage } from '../infra/onnx/package.ts';
import { retrainWorkflowId } from '../workflows/names.ts';
import type { RegisterInput, RegisterSummary } from '../workflows/steps.ts';
import type { CpuDeps, NewModelVersion } from './deps.ts';
import { readSpec } from './ingest.ts';
import type { StepContext } from './step-context.ts';

type Deps = Pick<CpuDeps, 'definitions' | 'registry' | 'content'>;

/**
 * The step `registerCandidate`; see the port. Reads every object that the version will name before it writes the row,
 * so that a version without its bytes cannot exist.
 */
export const createRegister =
  (deps: Deps) =>
  async (input: RegisterInput, _context?: StepContext): Promise<RegisterSummary> => {
    const candidate = await describe(deps, input);
    const { version, stage } = await deps.registry.register(candidate, retrainWorkflowId(input.pipeline, input.runKey));
    return { version, stage };
  };

const describe = async (deps: Deps, input: RegisterInput): Promise<NewModelVersion> => {
  const { training } = await readSpec(deps, input);
  const result = trainingResultSchema.parse(await deps.content.getJson(input.trainingResultSha256));
  const report = evaluationReportSchema.parse(await deps.content.getJson(input.evaluationSha256));
  const frame = featureFrameSchema.parse(await deps.content.getJson(input.frameSha256));
  const modelPackage = parseModelPackage(await deps.content.getJson(input.modelSha256));
  same('evaluated model', report.onnxSha256, result.onnxSha256);
  same('evaluated frame', report.frameSha256, input.frameSha256);
  same('packaged model', modelPackage.onnx.sha256, result.onnxSha256);
  same('packaged feature set', modelPackage.featureSetSha256, frame.featureSetSha256);
  const profileSha256 = report.profileSha256 ?? null;
  if (profileSha256 !== null) {
    const profile = referenceProfileSchema.parse(await deps.content.getJson(profileSha256));
    same('profiled model', profile.onnxSha256 ?? 'none', result.onnxSha256);
  }
  await deps.content.getBytes(result.onnxSha256);
  await deps.content.getJson(frame.featureSetSha256);
  return {
    pipeline: input.pipeline,
    modelSha256: input.modelSha256,
    onnxSha256: result.onnxSha256,
    trainingKey: result.trainingKey,
    definitionSha256: input.definitionSha256,
    codeVersion: input.codeVersion,
    snapshotSha256: input.snapshotSha256,
    featureSetSha256: frame.featureSetSha256,
    profileSha256,
    trainer: result.trainer,
    parameters: training.parameters,
    metrics: { ...report.candidate },
    runKey: input.runKey,
  };
};

/** References of one version must speak of one model. */
const same = (what: string, found: string, wanted: string): void => {
  if (found === wanted) return;
  throw new PerennialError('PRN_EVALUATION', `Cannot register the candidate as its ${what} must be ${wanted}: it is ${found}`);
};
