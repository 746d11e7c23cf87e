import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { RetrainOutcome } from '#domain/contracts/retrain.ts';
import { settlePipeline } from '../../pipelines/settle-pipeline.ts';
import { applyPipeline } from '../../spec/apply-pipeline.ts';
import { actOut } from '../act.ts';
import { patiently } from '../patience.ts';
import { firstDay, flights, type Scene, wish } from '../scene.ts';
import { copyPipeline, type Day, nextDay } from '../world.ts';

const newYear: Day = '2001-01-01';

/** Where a team would name its chat or its pager: known only now that the demo listens. */
const notifyOf = (url: string): string =>
  `\nnotify:\n  - { to: "${url}", on: [retrain started, performance, drift, quarantined, promoted, rejected, rolled back] }\n`;

/** The file says what every run of the pipeline trains with, also one that the watch starts. */
const adapt = async ({ trainer, receiver }: Scene, file: string): Promise<void> => {
  const text = await readFile(file, 'utf8');
  const adapted = trainer === 'lightgbm' ? text : text.replace(/trainer: lightgbm\n +parameters: .*\n/, `trainer: ${trainer}\n`);
  await writeFile(file, adapted + notifyOf(receiver.url));
};

const deliverWeeks = async ({ world, folder }: Scene): Promise<void> => {
  for (let day = newYear; day < firstDay; day = nextDay(day)) await world.deliver(join(folder, flights), day);
};

/** Six weeks of data, and the first model: nothing serves yet, so that it need only be good enough. */
export const firstWeeks = async (scene: Scene): Promise<RetrainOutcome> => {
  const { context, client, story, folder } = scene;
  story.chapter('Six weeks of 2001: the first model');
  story.aside('Real flights, one in ten, a file a day. Who will land more than 15 minutes late?');
  story.aside(
    'Of a day\'s rows those that break a rule of the file are set aside, as "rejected" or "quarantined", and kept with the reason.',
  );
  const home = join(folder, flights);
  await copyPipeline(flights, home);
  await adapt(scene, join(home, 'pipeline.yaml'));
  await deliverWeeks(scene);
  await patiently(() => applyPipeline(context, home));
  await patiently(() => settlePipeline(context, client, flights));
  story.say(`applied; from now on the workflow watch-drift/${flights} looks after it`);
  return actOut(scene, wish(scene, flights, 'six weeks of flights arrived'));
};
