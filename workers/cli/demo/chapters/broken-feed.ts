import type { QuarantinedRecord } from '../../../../infra/postgres/quarantine.ts';
import { asUsual, type Twist } from '../calendar.ts';
import { patiently } from '../patience.ts';
import { flights, type LiveScene } from '../scene.ts';
import { nameDay, nextDay } from '../world.ts';

/** Four letters in place of three, as another table of airports has them: KATL for ATL. */
const otherCodes: Twist = { ...asUsual, change: (flight) => ({ ...flight, origin: `K${flight.origin}` }) };

const quarantine = 'quarantine';

/** Requests whose upstream changed its codes, until somebody is told. Gives what was set aside of the first day. */
export const brokenFeed = async (scene: LiveScene): Promise<readonly QuarantinedRecord[]> => {
  const { story, calendar, records } = scene;
  story.chapter('A feed breaks');
  const broken = calendar.twist(otherCodes);
  story.aside(`On ${nameDay(broken)} an upstream system begins to send four-letter airport codes: KATL for ATL.`);
  story.aside(
    'Everything has changed for the model, and nothing in the world: whoever learned from such a day would learn nonsense.',
  );
  const judged = await calendar.until(
    async () => {
      const found = await patiently(() => records.decisions.list(flights, { kinds: ['quality', 'drift'] }));
      return (
        found.find(
          ({ record: { subject, kind, action } }) => subject.startsWith(broken) && (kind === 'drift' || action === quarantine),
        ) ?? null
      );
    },
    nextDay(broken, 4),
  );
  const windows = await patiently(() => records.quarantine.list(flights));
  const found = windows.filter(({ from }) => from.startsWith(broken));
  if (judged?.record.action !== quarantine) story.say('the watch did not set that day aside');
  for (const { rows, breaches } of found) {
    story.say(`${rows} rows set aside, and nothing was retrained:`);
    for (const { statement, variable } of breaches) story.aside(`${variable ?? 'all'}: ${statement}`);
  }
  calendar.twist(asUsual);
  story.aside('The team was told, and mends the feed over night.');
  return found;
};
