/** What every chapter of the demo works with. */
import type { Client } from '@temporalio/client';
import type { PipelineName } from '#domain/units.ts';
import { createDecisions } from '../../../infra/postgres/decisions.ts';
import { createQuarantine } from '../../../infra/postgres/quarantine.ts';
import { createRollouts } from '../../../infra/postgres/rollouts.ts';
import { createWatchReports } from '../../../infra/postgres/watch-reports.ts';
import type { Context } from '../context.ts';
import type { Story } from '../story.ts';
import type { Calendar } from './calendar.ts';
import type { Caller } from './caller.ts';
import type { Receiver } from './receiver.ts';
import type { Day, World } from './world.ts';

export const flights = 'flights' as PipelineName;
export const churn = 'churn' as PipelineName;

/** What a watch decides that starts a run. */
export const cures: readonly string[] = ['retrain', 'recalibrate'];

/** The first models learn from what is before it; from here on passengers ask. */
export const firstDay: Day = '2001-02-12';
/** Days that the world knows. Everything is over long before. */
export const endOfWorld: Day = '2001-03-20';

/** LightGBM, or on a machine without Python the reference trainer. */
export type TrainerName = 'lightgbm' | 'reference';

export type Setting = {
  readonly context: Context;
  readonly client: Client;
  readonly story: Story;
  /** Where the pipelines are copied to, and their data arrive. */
  readonly folder: string;
  readonly trainer: TrainerName;
  readonly by: string;
  /** Bearer token of the demo's Alertmanager. */
  readonly webhookToken: string;
};

export const recordsOf = ({ database: { db } }: Context) => ({
  decisions: createDecisions(db),
  rollouts: createRollouts(db),
  quarantine: createQuarantine(db),
  reports: createWatchReports(db),
});

export type Scene = Setting & {
  readonly world: World;
  /** Of predictions and labels. */
  readonly caller: Caller;
  /** Of the control plane. */
  readonly control: Caller;
  readonly receiver: Receiver;
  readonly records: ReturnType<typeof recordsOf>;
};
export type LiveScene = Scene & { readonly calendar: Calendar };

/** A run that somebody starts by hand. */
export const wish = (setting: Setting, pipeline: PipelineName, reason: string, overrides: readonly string[] = []) => ({
  pipeline,
  overrides,
  trigger: { kind: 'demo' as const, by: setting.by, reason },
});
