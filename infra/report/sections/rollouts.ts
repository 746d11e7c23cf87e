import { drawEvidence, evidenceKey } from '../charts/evidence.ts';
import type { PipelineReport, RolloutStory } from '../data.ts';
import { rolloutFinding } from '../findings.ts';
import type { Html } from '../html.ts';
import { duration, minute, number, share } from '../words.ts';
import { card, tableOf } from './parts.ts';

const remarkOf = ({ startedAt, endedAt, championVersion, reason, harmed }: RolloutStory): string => {
  const ended = endedAt === null ? 'still under way' : `ended ${minute(endedAt)}`;
  const harm =
    harmed === null
      ? ''
      : ` Of ${number(harmed.requests)} requests that the candidate answered, ${number(harmed.events)} went wrong, some ${number(harmed.above)} more than the champion's rate.`;
  return `Began ${minute(startedAt)} beside version ${championVersion ?? 'none'}, ${ended}. ${reason}.${harm}`;
};

const rolloutCard = (id: string, story: RolloutStory): Html[] => {
  if (story.looks.length === 0) return [];
  const names = Object.keys(story.alphas);
  const finding = rolloutFinding(story);
  const columns = [
    { name: 'after', kind: 'n' },
    { name: 'share', kind: 'n' },
    ...names.map((name) => ({ name, kind: 'n' }) as const),
  ] as const;
  const limits = ['harm is shown from', '', ...names.map((name) => number(1 / (story.alphas[name] as number)))];
  const rows = story.looks.map((look) => [
    duration(look.elapsedMs),
    share(look.share),
    ...names.map((name) => number(look.eValues[name] ?? null)),
  ]);
  const plot = drawEvidence(id, finding, remarkOf(story), story.looks, story.alphas);
  return [card(finding, plot, `${remarkOf(story)} ${evidenceKey(names)}.`, tableOf('Looks', columns, [limits, ...rows]))];
};

export const rolloutCards = (id: string, { rollouts }: PipelineReport): Html[] =>
  rollouts.flatMap((story, place) => rolloutCard(`${id}-e${place}`, story));
