/** Sets the stage of the demo: a state folder of its own, servers, workers, serving; takes all of it down afterwards. */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { type Config, loadConfig } from '../../../infra/config.ts';
import type { Endpoints } from '../../../infra/state/endpoints.ts';
import { prepareLightGbm } from '../../../infra/trainer/environment.ts';
import { resetState } from '../../supervise/reset-state.ts';
import { startUp, type UpEvent } from '../../supervise/start-up.ts';
import { contextOf } from '../context.ts';
import { note, printJson, reportError } from '../output.ts';
import { createStory, type Story } from '../story.ts';
import { withTemporal } from '../temporal.ts';
import { type DemoResult, play } from './play.ts';
import type { TrainerName } from './scene.ts';

type DemoOptions = { readonly json: boolean; readonly keep: boolean; readonly trainer: string | null };

/** LightGBM where Python can be used; else the reference trainer, and the story says why. */
const chooseTrainer = async (config: Config, story: Story, asked: string | null): Promise<TrainerName> => {
  if (asked === 'reference') return 'reference';
  try {
    await prepareLightGbm(config, (line) => story.say(line));
    return 'lightgbm';
  } catch (error) {
    if (asked === 'lightgbm') throw error;
    story.say(`LightGBM cannot be used here: ${(error as Error).message}`);
    story.aside('The demo goes on with the reference trainer, which needs no Python.');
    return 'reference';
  }
};

/** Of a process only what a newcomer should know: that it runs, or that it died and comes back. */
const tellEvent = (story: Story, event: UpEvent): void => {
  if (event.kind === 'progress') story.say(event.line);
  if (event.kind !== 'process') return;
  const { name, state, detail, restarts } = event.status;
  if (state === 'ready' && restarts === 0) story.say(`${name} is ready${detail === '' ? '' : ` (${detail})`}`);
  if (restarts > 0) story.say(`${name} ${state}: ${detail}`);
};

const tellLinks = (story: Story, endpoints: Endpoints): void => {
  if (endpoints.temporalUiUrl !== null) story.aside(`Temporal UI   ${endpoints.temporalUiUrl}`);
  story.aside(`Predictions   ${endpoints.serveUrl}`);
  story.aside(`Control       ${endpoints.controlUrl}`);
  story.aside(`Metrics       ${endpoints.serveUrl}/metrics and ${endpoints.controlUrl}/metrics`);
};

const interruptedExit = 130;

const waitForInterrupt = (): Promise<void> =>
  new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve());
  });

const keepRunning = async (story: Story, endpoints: Endpoints, stateDir: string): Promise<void> => {
  story.say('everything keeps running: Ctrl-C ends it');
  tellLinks(story, endpoints);
  story.aside(`Look closer   PERENNIAL_STATE_DIR=${stateDir} npx perennial status`);
  await waitForInterrupt();
};

const document = ({ first, retrained, spoiled, broken, decisions, requests, ...result }: DemoResult, story: Story) => ({
  runs: [first, retrained, spoiled, broken].filter((run) => run !== null),
  ...result,
  decisions: decisions.map(({ id, record: { at, kind, subject, action, reason } }) => ({
    id,
    at,
    kind,
    subject,
    action,
    reason,
  })),
  requests: { ...requests, byVersion: Object.fromEntries(requests.byVersion) },
  seconds: Math.round((performance.now() - story.startedAt) / 100) / 10,
});

/** A failed request fails the demo; which verdicts came out does not: those the data decides. */
const exitOf = ({ requests, first, retrained, spoiled, broken }: DemoResult): number => {
  const runs = [first, retrained, spoiled, broken];
  return requests.failed > 0 || runs.some((run) => run?.verdict === 'failed') ? 1 : 0;
};

/** Ctrl-C at any moment takes everything down before the process ends; a second one ends it at once. */
const endOnSignals = (stop: () => Promise<void>, story: Story): (() => void) => {
  const onSignal = (): void => {
    story.say('interrupted: stopping what was started');
    void stop().finally(() => process.exit(interruptedExit));
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, onSignal);
  return () => void ['SIGINT', 'SIGTERM'].map((signal) => process.removeListener(signal, onSignal));
};

const onStage = async (config: Config, story: Story, options: DemoOptions): Promise<number> => {
  story.chapter('Setting the stage');
  const trainer = await chooseTrainer(config, story, options.trainer);
  let ignoreSignals = (): void => {};
  const up = await startUp(config, {
    onEvent: (event) => tellEvent(story, event),
    onStarting: (stop) => {
      ignoreSignals = endOnSignals(stop, story);
    },
  });
  const context = contextOf(config, up.endpoints);
  try {
    tellLinks(story, up.endpoints);
    const setting = {
      ...{ context, story, by: config.actor, trainer },
      folder: join(config.stateDir, 'world'),
      webhookToken: config.webhooks.tokens[0] as string,
    };
    const afterwards = async (result: DemoResult): Promise<void> => {
      if (options.json) printJson(document(result, story));
      if (!options.keep) return;
      ignoreSignals();
      await keepRunning(story, up.endpoints, config.stateDir);
    };
    return exitOf(await withTemporal(context, (client) => play({ ...setting, client }, afterwards)));
  } finally {
    await context.close();
    await up.stop();
    ignoreSignals();
  }
};

/** Servers of the demo tell and ship what they saw at once: its days last seconds. */
const capture = { flushMs: 250, shipMs: 500 };

const configOf = (base: Config): Config => {
  const stateDir = join(base.stateDir, 'demo');
  return {
    ...base,
    stateDir,
    databaseUrl: null,
    store: { kind: 'directory', folder: join(stateDir, 'store') },
    temporal: { ...base.temporal, address: null },
    capture: { ...capture, folder: join(stateDir, 'capture') },
    // The demo's Alertmanager is the only sender that is known.
    webhooks: { tokens: [randomBytes(16).toString('hex')], keys: [] },
  };
};

/** Returns the exit code. Every demo begins with an empty state folder and its own servers, so that its verdicts are its own. */
export const runDemo = async (options: DemoOptions): Promise<number> => {
  const config = configOf(loadConfig());
  const story = createStory(options.json ? process.stderr : process.stdout);
  try {
    await resetState(config.stateDir, (line) => story.say(line));
    const exit = await onStage(config, story, options);
    story.say('the end');
    return exit;
  } catch (error) {
    note('');
    return reportError(error, options.json);
  }
};
