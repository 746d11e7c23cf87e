/** What was meant, read and told: a document for programs, lines for people. */
import { PerennialError } from '#domain/errors.ts';
import type { Context } from '../context.ts';
import { requirePipeline } from '../known-pipeline.ts';
import type { Meant } from './resolve.ts';

export type Explained = { readonly kind: Meant['kind']; readonly document: unknown; readonly lines: readonly string[] };

type MeantRollout = Extract<Meant, { kind: 'rollout' }>;

/** By its id; else those of the version that the id names, which is what the id of a workflow does. */
const readRollouts = async (context: Context, { id, pipeline, version }: MeantRollout) => {
  const { readRolloutById, readRolloutsOf } = await import('./rollout.ts');
  const exact = await readRolloutById(context, id);
  const found = exact === null ? await readRolloutsOf(context, pipeline, version) : [exact];
  if (found.length > 0) return found;
  throw new PerennialError(
    'PRN_NOT_FOUND',
    `Cannot explain the rollout of version ${version} of "${pipeline}": it was never rolled out; "perennial explain ${pipeline}/${version}" explains the version`,
  );
};

const explainRollout = async (context: Context, meant: MeantRollout): Promise<Omit<Explained, 'kind'>> => {
  const { rolloutLines } = await import('./rollout.ts');
  const found = await readRollouts(context, meant);
  const lines = found.flatMap((one, place) => (place === 0 ? rolloutLines(one) : ['', ...rolloutLines(one)]));
  return { document: { rollouts: found }, lines };
};

type Explainers = {
  readonly [Kind in Meant['kind']]: (context: Context, meant: Extract<Meant, { kind: Kind }>) => Promise<Omit<Explained, 'kind'>>;
};

const explainers: Explainers = {
  run: async (context, { asked }) => {
    const { readRun, runLines } = await import('./run.ts');
    const document = await readRun(context, asked);
    return { document, lines: runLines(document) };
  },
  version: async (context, { pipeline, version }) => {
    const { readVersion, versionLines } = await import('./version.ts');
    const document = await readVersion(context, await requirePipeline(context, pipeline, 'Cannot explain'), version);
    return { document, lines: versionLines(document) };
  },
  rollout: explainRollout,
  decision: async (context, { id }) => {
    const { decisionLines, readDecision } = await import('./decision.ts');
    const document = await readDecision(context, id);
    return { document, lines: decisionLines(document) };
  },
  window: async (context, { pipeline, from }) => {
    const { readWindowStory, windowLines } = await import('./window.ts');
    const document = await readWindowStory(context, await requirePipeline(context, pipeline, 'Cannot explain'), from);
    return { document, lines: windowLines(document) };
  },
  prediction: async (context, { id }) => {
    const { predictionLines, readPrediction } = await import('./prediction.ts');
    const document = await readPrediction(context, id);
    return { document, lines: predictionLines(document) };
  },
};

/** Throws PRN_NOT_FOUND, and PRN_CONFLICT where several runs are meant. */
export const explain = async (context: Context, meant: Meant): Promise<Explained> => {
  const explainer = explainers[meant.kind] as (context: Context, meant: Meant) => Promise<Omit<Explained, 'kind'>>;
  return { kind: meant.kind, ...(await explainer(context, meant)) };
};
