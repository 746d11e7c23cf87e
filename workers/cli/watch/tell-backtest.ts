import { cut } from '../cut.ts';
import { table } from '../output.ts';
import type { Backtest } from './backtest.ts';

const count = (n: number, what: string): string => `${n} ${what}${n === 1 ? '' : 's'}`;

const summaryOf = ({ changed, decisions, differing, runs }: Backtest): string => {
  if (decisions === 0) return 'No decision of this watch is on record yet.';
  if (!changed && differing === 0) return `${count(decisions, 'decision')} made again: all are what was recorded.`;
  if (!changed) return `${count(decisions, 'decision')} made again: ${differing} are not what was recorded.`;
  return `${count(decisions, 'decision')}: ${count(runs.made, 'run')} made, ${runs.would} by these rules. A run that was not made is taken to have been promoted; what was measured is as it was.`;
};

/** As far as a line holds it; --json gives all of it. */
const reasonWidth = 120;

/** For people: the runs of both, then how many there are. */
export const tellBacktest = (found: Backtest): string => {
  const rows = found.lines.map(({ at, made, would, reason }) => [
    at.slice(0, 16).replace('T', ' '),
    made,
    would,
    cut(reason, reasonWidth),
  ]);
  const head = ['data time', 'made', 'would be', 'because'];
  return [...(rows.length === 0 ? [] : [table([head, ...rows]), '']), summaryOf(found)].join('\n');
};
