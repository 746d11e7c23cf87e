/** Says aloud what the watch and the rollouts decide, as it is recorded. Where nothing happens it is silent. */
import { setTimeout as wait } from 'node:timers/promises';
import { z } from 'zod';
import type { DecisionRecord } from '#domain/contracts/decision.ts';
import { sha256Schema } from '#domain/contracts/ids.ts';
import { performanceReportSchema } from '#domain/contracts/performance-report.ts';
import type { RecordedDecision } from '../../../infra/postgres/decisions.ts';
import { cut } from '../cut.ts';
import { paint } from '../output.ts';
import { createNews, decisionText } from './decision-text.ts';
import { patiently } from './patience.ts';
import { flights, type Scene } from './scene.ts';

const lookMs = 250;
const most = 200;
/** As far as a line holds it; `perennial explain` gives all of it. */
export const lineWidth = 170;
const inputSchema = z.object({ reportSha256: sha256Schema });

const colours: Readonly<Record<string, Parameters<typeof paint>[0]>> = {
  breach: 'yellow',
  miscalibrated: 'yellow',
  alarm: 'yellow',
  quarantine: 'red',
  retrain: 'cyan',
  'roll back': 'red',
  promote: 'green',
};
/** The version that a report measured, by the profile that it was measured against. Null where that cannot be said. */
const versionOf = async ({ context }: Scene, { kind, input }: DecisionRecord): Promise<number | null> => {
  const read = inputSchema.safeParse(input);
  if (kind !== 'performance' || !read.success) return null;
  const report = performanceReportSchema.safeParse(await context.content.getJson(read.data.reportSha256));
  const versions = report.success ? await context.registry.list(flights) : [];
  return versions.find(({ profileSha256 }) => profileSha256 === report.data?.profileSha256)?.version ?? null;
};

/** Begins to tell; the function that it gives ends that, once all that is recorded was told. */
export const tellDecisions = (scene: Scene): (() => Promise<void>) => {
  let [stopped, last] = [false, 0];
  const isNews = createNews();
  const tell = async ({ record }: RecordedDecision): Promise<void> => {
    const version = await patiently(() => versionOf(scene, record));
    if (!isNews(record, version)) return;
    const text = cut(decisionText(record, version), lineWidth);
    scene.story.say(`  ${paint(colours[record.action] ?? 'dim', text, scene.story.out)}`);
  };
  const tellNew = async (): Promise<void> => {
    const found = await patiently(() => scene.records.decisions.list(flights, { afterId: last, limit: most }));
    for (const decision of found) {
      await tell(decision);
      last = decision.id;
    }
  };
  const telling = (async () => {
    while (!stopped) {
      await tellNew();
      await wait(lookMs);
    }
    await tellNew();
  })();
  telling.catch(() => {});
  return () => {
    stopped = true;
    return telling;
  };
};
