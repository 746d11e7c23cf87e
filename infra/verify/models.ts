import { type ModelPackage, type ModelVersion, modelPackageSchema } from '#domain/contracts/model-version.ts';
import { type Finding, findingsOf, type VerifyDeps } from './finding.ts';
import type { ObjectCheck } from './objects.ts';

type Broken = { readonly subject: string; readonly statement: string };

const isAs = (version: ModelVersion, model: ModelPackage): string[] =>
  (
    [
      ['pipeline', version.pipeline, model.pipeline],
      ['ONNX file', version.onnxSha256, model.onnx.sha256],
      ['feature set', version.featureSetSha256, model.featureSetSha256],
    ] as const
  )
    .filter(([, recorded, is]) => recorded !== is)
    .map(([what, recorded, is]) => `its package must name the ${what} that is registered, "${recorded}": it names "${is}"`);

/** Everything a server would fetch and what drift is measured against, read to its end. */
const problemsOf = async (check: ObjectCheck, version: ModelVersion): Promise<string[]> => {
  const profile = version.profileSha256 === null ? [] : [version.profileSha256];
  const digests = [version.modelSha256, version.onnxSha256, version.featureSetSha256, ...profile];
  const looked = await Promise.all(digests.map((sha256) => check.look(sha256)));
  const missing = looked.flatMap((one) => (one.problem === null ? [] : [one.problem]));
  if (looked[0]?.problem !== null) return missing;
  const parsed = modelPackageSchema.safeParse(await check.json(version.modelSha256));
  if (!parsed.success) return [...missing, `its package must have the form of format 1: ${parsed.error.issues[0]?.message}`];
  return [...missing, ...isAs(version, parsed.data)];
};

/** Newest first within a pipeline: numbers go down to 1 without a gap, and each training key is there once. */
const numberProblems = (versions: readonly ModelVersion[]): Broken[] => {
  const broken: Broken[] = [];
  const keys = new Map<string, number>();
  const expected = new Map<string, number>();
  for (const { pipeline, version, trainingKey } of [...versions].reverse()) {
    const subject = `${pipeline}/${version}`;
    const next = (expected.get(pipeline) ?? 0) + 1;
    if (version !== next) broken.push({ subject, statement: `Versions of "${pipeline}" must have no gap: ${next} is missing` });
    expected.set(pipeline, version);
    const first = keys.get(`${pipeline} ${trainingKey}`);
    if (first !== undefined)
      broken.push({ subject, statement: `Training key of ${subject} must be its own: version ${first} has it too` });
    keys.set(`${pipeline} ${trainingKey}`, version);
  }
  return broken;
};

/** I3: one version a training key, numbered without gaps. I5, as far as it lies in the store: a model is whole or not there. */
export const verifyModels = async ({ registry, check }: VerifyDeps): Promise<readonly Finding[]> => {
  const versions = await registry.list();
  const broken: Broken[] = [];
  for (const version of versions) {
    const subject = `${version.pipeline}/${version.version}`;
    for (const problem of await problemsOf(check, version)) broken.push({ subject, statement: `Model ${subject}: ${problem}` });
  }
  return [
    ...findingsOf(
      'I3',
      numberProblems(versions),
      `All ${versions.length} model versions have a training key of their own, and no number is missing`,
    ),
    ...findingsOf('I5', broken, `All ${versions.length} model versions are whole in the store`),
  ];
};
