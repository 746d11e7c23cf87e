import type { QuarantinedRecord } from '../../../../infra/postgres/quarantine.ts';
import { asUsual, type Twist } from '../calendar.ts';
import { patiently } from '../patience.ts';
import { endOfWorld, flights, type LiveScene } from '../scene.ts';
import { nextDay } from '../world.ts';

/** Four letters in place of three, as another table of airports has them: KATL for ATL. */
const otherCodes: Twist = { ...asUsual, change: (flight) => ({ ...flight, origin: `K${flight.origin}` }) };

/** A day of requests whose upstream changed its codes. Gives the windows that were set aside. */
export const brokenFeed = async (scene: LiveScene): Promise<readonly QuarantinedRecord[]> => {
  const { story, calendar, records } = scene;
  story.chapter('A feed breaks');
  const broken = calendar.twist(otherCodes);
  story.aside(`On ${broken} an upstream system sends four-letter airport codes: KATL for ATL. The server has to answer; are`);
  story.aside('such answers to be learned from? All of it has changed, and none of it is the world.');
  await calendar.until(async () => (calendar.today() >= broken ? true : null), endOfWorld);
  calendar.twist(asUsual);
  const found = await calendar.until(
    async () => {
      const windows = await patiently(() => records.quarantine.list(flights));
      return windows.some(({ from }) => from.startsWith(broken)) ? windows : null;
    },
    nextDay(broken, 4),
  );
  for (const { rows, breaches } of found ?? []) {
    story.say(`${rows} rows set aside, and nothing was retrained:`);
    for (const { statement, variable } of breaches) story.aside(`${variable ?? 'all'}: ${statement}`);
  }
  return found ?? [];
};
