import type { QuarantinedRecord } from '../../../../infra/postgres/quarantine.ts';
import { asUsual, type Twist } from '../calendar.ts';
import { patiently } from '../patience.ts';
import { endOfWorld, flights, type LiveScene } from '../scene.ts';
import { nameDay, nextDay } from '../world.ts';

/** Four letters in place of three, as another table of airports has them: KATL for ATL. */
const otherCodes: Twist = { ...asUsual, change: (flight) => ({ ...flight, origin: `K${flight.origin}` }) };

/** A day of requests whose upstream changed its codes. Gives the windows that were set aside. */
export const brokenFeed = async (scene: LiveScene): Promise<readonly QuarantinedRecord[]> => {
  const { story, calendar, records } = scene;
  story.chapter('A feed breaks');
  const broken = calendar.twist(otherCodes);
  story.aside(`On ${nameDay(broken)} an upstream system sends four-letter airport codes: KATL for ATL. Everything has`);
  story.aside('changed for the model, and nothing in the world: whoever learned from such a day would learn nonsense.');
  await calendar.until(async () => (calendar.today() >= broken ? true : null), endOfWorld);
  calendar.twist(asUsual);
  const judged = await calendar.until(
    async () => {
      const found = await patiently(() => records.decisions.list(flights, { kinds: ['quality', 'drift'] }));
      return found.find(({ record }) => record.subject.startsWith(broken)) ?? null;
    },
    nextDay(broken, 4),
  );
  const windows = await patiently(() => records.quarantine.list(flights));
  const found = windows.filter(({ from }) => from.startsWith(broken));
  if (judged?.record.action !== 'quarantine') story.say('the watch did not set that day aside');
  for (const { rows, breaches } of found) {
    story.say(`${rows} rows set aside, and nothing was retrained:`);
    for (const { statement, variable } of breaches) story.aside(`${variable ?? 'all'}: ${statement}`);
  }
  return found;
};
