import type { RolloutRecord } from '#domain/contracts/rollout.ts';
import type { PipelineName, VersionNumber } from '#domain/units.ts';
import { createDecisions, type RecordedDecision } from '../../../infra/postgres/decisions.ts';
import { createRollouts } from '../../../infra/postgres/rollouts.ts';
import type { Context } from '../context.ts';
import { paint } from '../output.ts';
import { formatMany, formatNumber } from '../quantity.ts';
import { minute, share, span } from '../status/moments.ts';
import { type Depth, field, inequalityLines } from './lines.ts';

/** Decisions that are told in short, the newest. */
const told = 5;

export type RolloutExplained = { readonly rollout: RolloutRecord; readonly decisions: readonly RecordedDecision[] };

export const readRolloutById = async (context: Context, id: string): Promise<RolloutExplained | null> => {
  const rollout = await createRollouts(context.database.db).get(id);
  if (rollout === null) return null;
  const wanted = { kinds: ['rollout'] as const, subject: id, limit: 1_000 };
  return { rollout, decisions: await createDecisions(context.database.db).list(rollout.pipeline, wanted) };
};

/** The newest first. */
export const readRolloutsOf = async (
  context: Context,
  pipeline: PipelineName,
  version: VersionNumber,
): Promise<RolloutExplained[]> => {
  const rows = await createRollouts(context.database.db).list(pipeline);
  const found = await Promise.all(rows.filter((row) => row.version === version).map((row) => readRolloutById(context, row.id)));
  return found.filter((one) => one !== null);
};

const stateText = ({ state }: RolloutRecord): string =>
  paint(state === 'promoted' ? 'green' : state === 'running' ? 'yellow' : 'red', state);

const harmedText = ({ harmed }: RolloutRecord): string[] =>
  harmed === null
    ? []
    : [
        field(
          'harmed',
          `of ${formatMany(harmed.requests, 'request')} that the candidate answered, ${harmed.events} went wrong: ${formatNumber(harmed.above)} more than at the champion's rate`,
        ),
      ];

const segmentText = (row: RolloutRecord): string =>
  row.segments
    .map(({ share: part, generation, since }) => `${share(part)} from ${minute(since)} (generation ${generation})`)
    .join(', ');

const lasted = ({ startedAt, endedAt }: RolloutRecord): string =>
  endedAt === null
    ? `since ${minute(startedAt)}`
    : `from ${minute(startedAt)}, for ${span(Date.parse(endedAt) - Date.parse(startedAt))}`;

/** Waits that miss the same are one row; what came to something is always one. */
const decisionLines = (decisions: readonly RecordedDecision[], depth: Depth): string[] => {
  const shown = decisions.slice(0, depth === 'all' ? decisions.length : told);
  return [
    ...shown.map(({ id, record }) => `    ${minute(record.at)}  decision/${id}  ${record.action}: ${record.reason}`),
    ...(decisions.length > shown.length ? [`    and ${decisions.length - shown.length} before them: --all`] : []),
  ];
};

/** The inequality that the newest decision of a rollout compared. */
export const decidingLines = ({ decisions: [newest] }: RolloutExplained, depth: Depth): string[] =>
  newest === undefined ? [] : inequalityLines(newest.record.inequalities, newest.record.reason, depth);

export const rolloutLines = (explained: RolloutExplained, depth: Depth): string[] => {
  const { rollout, decisions } = explained;
  return [
    `${rollout.id}: version ${rollout.version} beside version ${rollout.championVersion}, ${rollout.strategy}`,
    field('state', `${stateText(rollout)}, ${lasted(rollout)}; started by ${rollout.startedBy}`),
    field('because', decisions[0]?.record.reason ?? rollout.reason),
    ...decidingLines(explained, depth),
    field('shares', segmentText(rollout)),
    ...harmedText(rollout),
    ...(decisions.length === 0
      ? []
      : [field('decisions', `${decisions.length}, the newest first`), ...decisionLines(decisions, depth)]),
  ];
};
