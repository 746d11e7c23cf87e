import type { paint } from './output.ts';

type Mark = readonly [sign: string, colour: Parameters<typeof paint>[0]];

const passed: Mark = ['✓', 'green'];
const refused: Mark = ['✗', 'red'];
const undecided: Mark = ['…', 'yellow'];

/** How summaries of the stages that judge begin where they refuse. */
const refusals: Readonly<Record<string, RegExp>> = {
  validate: /^Data rejected/,
  gate: /^(fail|error):/,
  // A person who takes a rollout back is quoted as they said it.
  promote: /^(?!.*(Promoted|served by|champion already))|^Rolled back/,
};

/** A stage that was done has not always said yes. */
export const stageMark = (stage: string, summary: string): Mark => {
  if (refusals[stage]?.test(summary)) return refused;
  return stage === 'gate' && summary.startsWith('inconclusive:') ? undecided : passed;
};
