/** What was meant, read and told: a document for programs, lines for people. */
import { PerennialError } from '#domain/errors.ts';
import { rollOutWorkflowId } from '../../../workflows/names.ts';
import type { Context } from '../context.ts';
import { requirePipeline } from '../known-pipeline.ts';
import type { Depth } from './lines.ts';
import type { Meant } from './resolve.ts';

export type Explained = { readonly kind: Meant['kind']; readonly document: unknown; readonly lines: readonly string[] };

type MeantRollout = Extract<Meant, { kind: 'rollout' }>;

/** By its id, or all of the version that the id of a workflow names. */
const readRollouts = async (context: Context, { id, pipeline, version }: MeantRollout) => {
  const { readRolloutById, readRolloutsOf } = await import('./rollout.ts');
  const exact = await readRolloutById(context, id);
  if (exact !== null) return [exact];
  const found = await readRolloutsOf(context, pipeline, version);
  if (id === rollOutWorkflowId(pipeline, version) && found.length > 0) return found;
  const known =
    found.length === 0
      ? 'that version was never rolled out'
      : `its rollouts are ${found.map(({ rollout }) => rollout.id).join(', ')}`;
  throw new PerennialError(
    'PRN_NOT_FOUND',
    `Cannot explain the rollout "${id}": ${known}; "perennial explain ${pipeline}/${version}" explains the version`,
  );
};

const explainRollout = async (context: Context, meant: MeantRollout, depth: Depth): Promise<Omit<Explained, 'kind'>> => {
  const { rolloutLines } = await import('./rollout.ts');
  const found = await readRollouts(context, meant);
  const lines = found.flatMap((one, place) => (place === 0 ? rolloutLines(one, depth) : ['', ...rolloutLines(one, depth)]));
  return { document: { rollouts: found }, lines };
};

type Explainers = {
  readonly [Kind in Meant['kind']]: (
    context: Context,
    meant: Extract<Meant, { kind: Kind }>,
    depth: Depth,
  ) => Promise<Omit<Explained, 'kind'>>;
};

const explainers: Explainers = {
  run: async (context, { asked }, depth) => {
    const [{ readRun, runLines }, { withWayOn }] = await Promise.all([import('./run.ts'), import('./way-on.ts')]);
    const document = await withWayOn(context, asked, () => readRun(context, asked));
    return { document, lines: runLines(document, depth) };
  },
  version: async (context, { pipeline, version }, depth) => {
    const { readVersion, versionLines } = await import('./version.ts');
    const document = await readVersion(context, await requirePipeline(context, pipeline, 'Cannot explain'), version);
    return { document, lines: versionLines(document, depth) };
  },
  rollout: explainRollout,
  decision: async (context, { id }, depth) => {
    const { decisionLines, readDecision } = await import('./decision.ts');
    const document = await readDecision(context, id);
    return { document, lines: decisionLines(document, depth) };
  },
  window: async (context, { pipeline, from }, depth) => {
    const { readWindowStory, windowLines } = await import('./window.ts');
    const document = await readWindowStory(context, await requirePipeline(context, pipeline, 'Cannot explain'), from);
    return { document, lines: windowLines(document, depth) };
  },
  prediction: async (context, { id }) => {
    const { predictionLines, readPrediction } = await import('./prediction.ts');
    const document = await readPrediction(context, id);
    return { document, lines: predictionLines(document) };
  },
};

/** Throws PRN_NOT_FOUND, and PRN_CONFLICT where several runs are meant. */
export const explain = async (context: Context, meant: Meant, depth: Depth): Promise<Explained> => {
  const explainer = explainers[meant.kind] as (context: Context, meant: Meant, depth: Depth) => Promise<Omit<Explained, 'kind'>>;
  return { kind: meant.kind, ...(await explainer(context, meant, depth)) };
};
