import { readFile } from 'node:fs/promises';
import type { FeatureSet } from '#domain/contracts/feature-set.ts';
import { featureSetSchema } from '#domain/contracts/feature-set.ts';
import type { DeployedModel, ModelPackage } from '#domain/contracts/model-version.ts';
import { type ReferenceProfile, referenceProfileSchema } from '#domain/contracts/reference-profile.ts';
import { PerennialError } from '#domain/errors.ts';
import { createVectorizer, type RawRow, type ViewLookup } from '#domain/features/apply.ts';
import { createRequestParser, type RequestParser } from '#domain/features/parse-request.ts';
import { profiledInputs } from '#domain/features/profiled-inputs.ts';
import type { PipelineName, Sha256 } from '#domain/units.ts';
import { sha256Of } from '../../infra/objects/digest.ts';
import type { ContentStore } from '../../infra/objects/store.ts';
import { checkGolden, parseModelPackage } from '../../infra/onnx/package.ts';
import { type OnnxSession, openSession } from '../../infra/onnx/session.ts';
import { type Answer, answerOf, answerWidths } from './answer.ts';
import { createBatcher } from './batcher.ts';

/** One model package in memory. Immutable but for its end: after `retire` it answers what is under way, then frees itself. */
export type ServedModel = {
  readonly modelSha256: Sha256;
  readonly package: ModelPackage;
  readonly featureSet: FeatureSet;
  /** What it knew as normal, into whose cells its rows are counted; null where it has none, and then nothing is counted. */
  readonly profile: { readonly sha256: Sha256; readonly profile: ReferenceProfile } | null;
  /** Checks one row of a request against the model's own fields. */
  readonly parse: RequestParser;
  /** Answers in the order of the rows; `lookupOf` gives each row its published view values. */
  predict(rows: readonly RawRow[], lookupOf: (row: RawRow, index: number) => ViewLookup): Promise<Answer[]>;
  /** Resolves when the last answer is out and the native memory is free. */
  retire(): Promise<void>;
};

/** Rows run before a model is put in place, so that the first request does not pay for the runtime's own first calls. */
const warmUpRuns = 16;

/**
 * Fetches by digest, verifies, opens, compares the golden rows and warms up. Throws with the reason for any refusal; a
 * reference profile that cannot be read is one, as nobody would see what becomes of the model.
 */
export const loadServedModel = async (
  content: ContentStore,
  pipeline: PipelineName,
  { modelSha256, profileSha256 }: Pick<DeployedModel, 'modelSha256' | 'profileSha256'>,
): Promise<ServedModel> => {
  const modelPackage = parseModelPackage(await readJson(content, modelSha256));
  if (modelPackage.pipeline !== pipeline) {
    throw refused(`Cannot serve model for "${pipeline}" as its package is for "${modelPackage.pipeline}"`);
  }
  const featureSet = featureSetSchema.parse(await readJson(content, modelPackage.featureSetSha256));
  const profile = await readProfile(content, profileSha256, featureSet);
  const session = await openSession(await readContent(content, modelPackage.onnx.sha256));
  try {
    checkWidths(modelPackage, featureSet, session);
    await checkGolden(session, modelPackage);
    await warmUp(session, modelPackage, createVectorizer(featureSet).width);
  } catch (error) {
    await session.release();
    throw error;
  }
  return createServedModel({ modelSha256, package: modelPackage, featureSet, profile }, session);
};

/** Its variables must be what the model reads: else a server could not find their values. */
const readProfile = async (
  content: ContentStore,
  sha256: Sha256 | null,
  featureSet: FeatureSet,
): Promise<ServedModel['profile']> => {
  if (sha256 === null) return null;
  const profile = referenceProfileSchema.parse(await readJson(content, sha256));
  const inputs = new Set(profiledInputs(featureSet).map(({ name }) => name));
  const unknown = profile.features.find(({ name }) => !inputs.has(name));
  if (unknown === undefined) return { sha256, profile };
  throw refused(`Cannot serve model as its reference profile watches "${unknown.name}": its feature set does not read that`);
};

/** Through the local copy, so that a restart finds its model while the store is away; hashed again as it is read. */
const readContent = async (content: ContentStore, sha256: Sha256): Promise<Buffer> => {
  const bytes = await readFile(await content.localFile(sha256));
  if (sha256Of(bytes) === sha256) return bytes;
  throw new PerennialError('PRN_OBJECT_CORRUPT', `Cannot use object "${sha256}" as its bytes must have that digest: they do not`);
};

const readJson = async (content: ContentStore, sha256: Sha256): Promise<unknown> =>
  JSON.parse((await readContent(content, sha256)).toString('utf8'));

const checkWidths = (modelPackage: ModelPackage, featureSet: FeatureSet, session: OnnxSession): void => {
  const { width } = createVectorizer(featureSet);
  if (session.inputWidth !== null && session.inputWidth !== width) {
    throw refused(`Cannot serve model as it takes ${session.inputWidth} features: its feature set makes ${width}`);
  }
  const allowed = answerWidths(modelPackage);
  if (!allowed.includes(session.outputWidth)) {
    throw refused(`Cannot serve model as it answers ${session.outputWidth} numbers a row: should be ${allowed.join(' or ')}`);
  }
};

const warmUp = async (session: OnnxSession, modelPackage: ModelPackage, width: number): Promise<void> => {
  const vector = modelPackage.golden[0]?.vector.map((value) => value ?? Number.NaN) ?? new Array<number>(width).fill(0);
  for (let run = 0; run < warmUpRuns; run += 1) await session.run(Float32Array.from(vector), 1);
};

type Parts = Pick<ServedModel, 'modelSha256' | 'package' | 'featureSet' | 'profile'>;

const createServedModel = (parts: Parts, session: OnnxSession): ServedModel => {
  const { package: modelPackage, featureSet } = parts;
  const batcher = createBatcher(session, createVectorizer(featureSet));
  const uses = createUses(() => session.release());
  const width = session.outputWidth;
  const predict: ServedModel['predict'] = (rows, lookupOf) =>
    uses.during(async () => {
      const outputs = await batcher.answer(rows, lookupOf);
      return rows.map((_, index) => answerOf(modelPackage, outputs.subarray(index * width, (index + 1) * width)));
    });
  const parse = createRequestParser(featureSet.request);
  return { ...parts, parse, predict, retire: uses.retire };
};

/** Counts what is under way, so that memory is freed exactly once: after the last use that began before `retire`. */
const createUses = (free: () => Promise<void>) => {
  const { promise: freed, resolve, reject } = Promise.withResolvers<void>();
  let running = 0;
  let retired = false;
  const freeWhenIdle = () => {
    if (retired && running === 0) free().then(resolve, reject);
  };
  return {
    during: async <T>(work: () => Promise<T>): Promise<T> => {
      running += 1;
      try {
        return await work();
      } finally {
        running -= 1;
        freeWhenIdle();
      }
    },
    retire: (): Promise<void> => {
      if (!retired) {
        retired = true;
        freeWhenIdle();
      }
      return freed;
    },
  };
};

const refused = (message: string): PerennialError => new PerennialError('PRN_MODEL_REFUSED', message);
