import type { PipelineName } from '#domain/units.ts';
import { formatCount, formatMany } from '../quantity.ts';
import type { HandedIn } from './hand-in.ts';

/**
 * What became of a file of labels, and what will: whether their predictions exist is not known while servers have not
 * shipped them.
 */
export const handedInLines = (pipeline: PipelineName, { rows, accepted, corrected, duplicates, bad }: HandedIn): string[] => [
  `${pipeline}: ${formatMany(rows, 'row')}: ${formatCount(accepted)} new, ${formatCount(corrected)} corrected, ${formatCount(duplicates)} there already, ${formatCount(bad)} wrong and left out`,
  ...(accepted === 0
    ? []
    : [
        '  new ones are joined to predictions when these are shipped; one that belongs to none counts as unknown, and in no window',
      ]),
];
