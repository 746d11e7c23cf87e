/**
 * The demo: the script chooses what happens to the world, the system decides. January trains the first model, February the second
 * while flights keep asking, then somebody spoils the parameters. The churn pipeline shows a request of another form.
 */
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import type { RetrainOutcome } from '#domain/contracts/retrain.ts';
import type { PipelineName } from '#domain/units.ts';
import type { Context } from '../context.ts';
import { paint, short, table } from '../output.ts';
import { applyPipeline } from '../spec/apply-pipeline.ts';
import type { Story } from '../story.ts';
import { actOut } from './act.ts';
import { startTraffic, type Traffic, type TrafficReport } from './traffic.ts';
import { copyPipeline, deliverMonth, flightsOf } from './world.ts';

export type DemoSetting = {
  readonly context: Context;
  readonly client: Client;
  readonly story: Story;
  readonly folder: string;
  /** Overrides for a machine without Python: the reference trainer. */
  readonly trainerOverrides: readonly string[];
  readonly by: string;
};
export type DemoResult = {
  readonly runs: readonly RetrainOutcome[];
  readonly churn: { readonly run: RetrainOutcome; readonly request: unknown; readonly answer: unknown };
  readonly champion: { readonly version: number; readonly modelSha256: string } | null;
  readonly requests: TrafficReport;
};

const flights = 'flights' as PipelineName;
const churn = 'churn' as PipelineName;
/** Steady enough to meet every moment of a swap, light enough to leave two cores to the training. */
const requestsPerSecond = 50;
const trafficFlights = 20_000;
/** One tree with two leaves, learned at a crawl: nobody would mean it, and a script might well do it. */
const spoiledParameters = [
  'training.parameters.n_estimators=1',
  'training.parameters.num_leaves=2',
  'training.parameters.learning_rate=0.001',
];
/** A penalty that leaves no weight standing. */
const spoiledReference = ['training.parameters.l2=1000000000000'];

const wish = (setting: DemoSetting, pipeline: PipelineName, reason: string, overrides: readonly string[] = []) => ({
  pipeline,
  overrides,
  trigger: { kind: 'demo' as const, by: setting.by, reason },
});

const january = async (setting: DemoSetting): Promise<RetrainOutcome> => {
  const { context, client, story, folder, trainerOverrides } = setting;
  story.chapter('January 2001: the first model');
  story.aside('Half a million real flights arrive as one file. Who will land more than 15 minutes late?');
  await copyPipeline('flights', join(folder, 'flights'));
  await deliverMonth(join(folder, 'flights'), 1);
  await applyPipeline(context, join(folder, 'flights'));
  return actOut(context, client, story, wish(setting, flights, 'January arrived', trainerOverrides));
};

const waitUntilServed = async (url: string, pipeline: string): Promise<void> => {
  for (let attempt = 0; attempt < 150; attempt += 1) {
    const answer = await fetch(`${url}/v2/models/${pipeline}/ready`).catch(() => null);
    if (answer?.ok) return;
    await wait(200);
  }
};

const openTheGates = async (setting: DemoSetting): Promise<Traffic> => {
  const { context, story } = setting;
  story.chapter('Passengers ask');
  await waitUntilServed(context.endpoints.serveUrl, flights);
  const url = `${context.endpoints.serveUrl}/predict/${flights}`;
  const asking = await flightsOf(2, trafficFlights);
  const [first] = asking;
  const answer = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(first),
  });
  story.say(`POST ${url}`);
  story.aside(JSON.stringify(first));
  story.aside(`-> ${JSON.stringify(await answer.json())}`);
  story.say(`from here on ${requestsPerSecond} flights of February ask every second, whatever else happens`);
  return startTraffic(url, asking, requestsPerSecond);
};

const february = async (setting: DemoSetting): Promise<RetrainOutcome> => {
  const { context, client, story, folder, trainerOverrides } = setting;
  story.chapter('February arrives: a second data version, a second model');
  story.aside('Days that were there before are shared with the first data version; only new days are written.');
  await deliverMonth(join(folder, 'flights'), 2);
  return actOut(context, client, story, wish(setting, flights, 'February arrived', trainerOverrides));
};

const spoiled = async (setting: DemoSetting): Promise<RetrainOutcome> => {
  const { context, client, story, trainerOverrides } = setting;
  story.chapter('Somebody spoils the parameters');
  const overrides = trainerOverrides.length === 0 ? spoiledParameters : [...trainerOverrides, ...spoiledReference];
  story.aside(overrides.join(', '));
  return actOut(context, client, story, wish(setting, flights, 'somebody changed the parameters', overrides));
};

const leavingCustomer = {
  tenure: 5,
  monthly_charges: 89.5,
  total_charges: 447.5,
  contract: 'month-to-month',
  payment_method: 'electronic check',
};

const customers = async (setting: DemoSetting): Promise<DemoResult['churn']> => {
  const { context, client, story, folder } = setting;
  story.chapter('Another pipeline: customers who leave');
  await copyPipeline('churn', join(folder, 'churn'));
  await applyPipeline(context, join(folder, 'churn'));
  const run = await actOut(context, client, story, wish(setting, churn, 'eight hundred customers'));
  if (run.verdict === 'promoted') await waitUntilServed(context.endpoints.serveUrl, churn);
  const answer: unknown = await fetch(`${context.endpoints.serveUrl}/predict/${churn}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(leavingCustomer),
  }).then((response) => response.json());
  story.say(JSON.stringify(leavingCustomer));
  story.aside(`-> ${JSON.stringify(answer)}`);
  return { run, request: leavingCustomer, answer };
};

/** As far as a line holds it; `perennial explain` gives all of it. */
const reasonWidth = 90;

/** What decided stands first: what was broken, or the comparison with the champion. */
const decisiveReason = ({ reason, gate }: RetrainOutcome): string =>
  (gate?.reason ?? reason).split('; ')[0]?.slice(0, reasonWidth) ?? '';

const summary = (runs: readonly RetrainOutcome[]): string =>
  table([
    ['run', 'verdict', 'data', 'version', 'ROC AUC', 'because'],
    ...runs.map((run) => [
      run.runKey,
      run.verdict,
      short(run.dataVersion),
      String(run.modelVersion ?? '-'),
      run.metrics.roc_auc?.toFixed(4) ?? '-',
      decisiveReason(run),
    ]),
  ]);

const tellTraffic = (story: Story, requests: TrafficReport): void => {
  const versions = [...requests.byVersion].map(([version, count]) => `${count} by version ${version}`).join(', ');
  story.say(`${requests.sent} requests, ${requests.failed} failed (${versions})`);
  if (requests.firstFailure !== null) story.say(paint('red', `first failure: ${requests.firstFailure}`, story.out));
};

export const play = async (setting: DemoSetting): Promise<DemoResult> => {
  const first = await january(setting);
  const traffic = await openTheGates(setting);
  try {
    const second = await february(setting);
    const third = await spoiled(setting);
    const churned = await customers(setting);
    const requests = await traffic.stop();
    const runs = [first, second, third];
    setting.story.chapter('What was decided, and why');
    setting.story.block(summary([...runs, churned.run]));
    tellTraffic(setting.story, requests);
    const { champion } = await setting.context.deployments.get(flights);
    return { runs, churn: churned, champion, requests };
  } finally {
    await traffic.stop();
  }
};
