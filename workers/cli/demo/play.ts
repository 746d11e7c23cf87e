/** The demo: the script chooses what happens to the world, the system decides. Its chapters, in their order. */
import type { RetrainOutcome } from '#domain/contracts/retrain.ts';
import type { RolloutRecord } from '#domain/contracts/rollout.ts';
import type { RecordedDecision } from '../../../infra/postgres/decisions.ts';
import type { WatchReportRow } from '../../../infra/postgres/watch-reports.ts';
import { cut } from '../cut.ts';
import { createCaller } from './caller.ts';
import { brokenFeed } from './chapters/broken-feed.ts';
import { customers } from './chapters/customers.ts';
import { ending, type Told } from './chapters/ending.ts';
import { firstWeeks } from './chapters/first-weeks.ts';
import { sameAlertTwice } from './chapters/same-alert-twice.ts';
import { openTheGates, worldMoves } from './chapters/world-moves.ts';
import { brokenModel, spoiledModel } from './chapters/worse-models.ts';
import { keepPace } from './keep-pace.ts';
import { patiently } from './patience.ts';
import { type ReceivedNotice, startReceiver } from './receiver.ts';
import { endOfWorld, flights, type LiveScene, recordsOf, type Scene, type Setting } from './scene.ts';
import { lineWidth, tellDecisions } from './tell-decisions.ts';
import type { TrafficReport } from './traffic.ts';
import { nextDay, openWorld } from './world.ts';

export type DemoResult = Told & {
  readonly champion: { readonly version: number; readonly modelSha256: string } | null;
  readonly requests: TrafficReport;
  readonly decisions: readonly RecordedDecision[];
  readonly rollouts: readonly RolloutRecord[];
  readonly drift: readonly WatchReportRow[];
  readonly notices: readonly ReceivedNotice[];
  readonly report: string;
};

type Lived = Omit<Told, 'first' | 'churn'> & { readonly requests: TrafficReport };

/** All that happens while passengers ask. */
const liveOn = async (scene: Scene): Promise<Lived> => {
  const calendar = await openTheGates(scene);
  const live: LiveScene = { ...scene, calendar };
  const [stopPace, stopTelling] = [keepPace(live), tellDecisions(live)];
  try {
    const retrained: RetrainOutcome | null = await worldMoves(live);
    const spoiled = await spoiledModel(live);
    const broken = await brokenModel(live);
    const quarantined = await brokenFeed(live);
    const alert = await sameAlertTwice(live);
    return { retrained, spoiled, broken, quarantined, alert, requests: await calendar.stop() };
  } finally {
    await Promise.all([stopPace(), stopTelling(), calendar.stop()]);
  }
};

const most = 1_000;

const recorded = async ({ context, records }: Scene) => ({
  champion: (await context.deployments.get(flights)).champion,
  decisions: await records.decisions.list(flights, { afterId: 0, limit: most }),
  rollouts: (await records.rollouts.list(flights)).toReversed(),
  drift: (await records.reports.list(flights, { kind: 'drift', limit: most })).toReversed(),
});

/** `afterwards` goes on in the same world: the team still listens. Throws what a step threw; a verdict is no error. */
export const play = async (setting: Setting, afterwards: (result: DemoResult) => Promise<void>): Promise<DemoResult> => {
  const { context, story } = setting;
  const world = await openWorld(nextDay(endOfWorld));
  const [caller, control] = [createCaller(context.endpoints.serveUrl), createCaller(context.endpoints.controlUrl)];
  const receiver = await startReceiver(({ event, text }) =>
    story.say(`  ${cut(`notice to the team: ${event}: ${text}`, lineWidth)}`),
  );
  const scene: Scene = { ...setting, world, caller, control, receiver, records: recordsOf(context) };
  try {
    const first = await firstWeeks(scene);
    const { requests, ...lived } = await liveOn(scene);
    const told: Told = { first, ...lived, churn: await customers(scene) };
    const report = await ending(scene, told, requests);
    const found = await patiently(() => recorded(scene));
    const result: DemoResult = { ...told, ...found, requests, notices: receiver.notices(), report };
    await afterwards(result);
    return result;
  } finally {
    await receiver.close();
    for (const one of [caller, control]) one.close();
    world.close();
  }
};
