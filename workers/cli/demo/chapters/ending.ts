import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { RetrainOutcome } from '#domain/contracts/retrain.ts';
import type { Instant } from '#domain/units.ts';
import type { QuarantinedRecord } from '../../../../infra/postgres/quarantine.ts';
import { readReportData } from '../../../../infra/report/read.ts';
import { writeDriftReport } from '../../../../infra/report/write.ts';
import { cut } from '../../cut.ts';
import { paint, table } from '../../output.ts';
import type { Story } from '../../story.ts';
import { patiently } from '../patience.ts';
import { churn, cures, flights, type Scene } from '../scene.ts';
import type { TrafficReport } from '../traffic.ts';
import type { Churned } from './customers.ts';
import type { AlertEnd } from './same-alert-twice.ts';

export type Told = {
  readonly first: RetrainOutcome;
  readonly retrained: RetrainOutcome | null;
  readonly spoiled: RetrainOutcome;
  readonly broken: RetrainOutcome | null;
  readonly quarantined: readonly QuarantinedRecord[];
  readonly alert: AlertEnd;
  readonly churn: Churned;
};

/** As far as a line holds it; `perennial explain` gives all of it. */
const shorten = (text: string): string => cut(text, 95);

/** What decided stands first: what was broken, or the comparison with the champion. */
const decisive = ({ reason, gate, verdict }: RetrainOutcome): string =>
  (verdict === 'promoted' ? (gate?.reason ?? reason) : reason).split('; ')[0] ?? '';

const rowOfRun = (what: string, run: RetrainOutcome | null): string[][] =>
  run === null ? [] : [[what, run.verdict, String(run.modelVersion ?? '-'), shorten(decisive(run))]];

const rowsOf = (told: Told, reasonOfWatch: string | null): string[][] => [
  ['what happened', 'decided', 'version', 'because'],
  ...rowOfRun('six weeks of data arrived', told.first),
  ...(reasonOfWatch === null ? [] : [['days passed', 'retrain', '-', shorten(reasonOfWatch)]]),
  ...rowOfRun('  and its model', told.retrained),
  ...rowOfRun('parameters were spoiled', told.spoiled),
  ...rowOfRun('a model broke on live traffic', told.broken),
  ...told.quarantined.map(({ breaches }) => ['a feed broke', 'quarantined', '-', shorten(breaches[0]?.statement ?? '')]),
  ['an alert came twice', told.alert.action, '-', shorten(told.alert.reason)],
  ...rowOfRun('customers', told.churn.run),
];

/** What was found, where it is on record; else what the rule says: that something was found. */
const reasonOfWatch = async ({ records }: Scene, run: RetrainOutcome | null): Promise<string | null> => {
  if (run === null) return null;
  const about = await patiently(() => records.decisions.list(flights, { kinds: ['retrain'], subject: run.runKey }));
  const decided = about.find(({ record }) => cures.includes(record.action));
  if (decided === undefined) return null;
  const found = await patiently(() => records.decisions.list(flights, { kinds: ['performance', 'drift'], limit: 1_000 }));
  const shared = new Set(decided.record.evidenceIds);
  const evidence = found.find(({ id, record }) => id < decided.id && record.evidenceIds.some((one) => shared.has(one)));
  const [head] = decided.record.reason.split(': ');
  return evidence === undefined ? decided.record.reason : `${head}: ${evidence.record.reason}`;
};

const tellTraffic = (story: Story, { sent, failed, harmed, retried, byVersion, firstFailure }: TrafficReport): void => {
  const versions = [...byVersion].map(([version, count]) => `${count} by version ${version}`).join(', ');
  const again = retried === 0 ? '' : `, ${retried} asked again`;
  story.say(`${sent} requests, ${failed} failed, ${harmed} harmed by the broken model${again} (${versions})`);
  if (firstFailure !== null) story.say(paint('red', `first failure: ${firstFailure}`, story.out));
};

/** The table of what was decided, and the report. Gives the report's file. */
export const ending = async (scene: Scene, told: Told, requests: TrafficReport): Promise<string> => {
  const { context, story } = scene;
  story.chapter('What was decided, and why');
  story.block(table(rowsOf(told, await reasonOfWatch(scene, told.retrained))));
  tellTraffic(story, requests);
  const file = join(context.config.stateDir, 'report.html');
  const sources = { db: context.database.db, content: context.content };
  const madeAt = new Date().toISOString() as Instant;
  const data = await patiently(() => readReportData(sources, [flights, churn], { title: 'The demo', madeAt }));
  await writeDriftReport(data, file);
  story.say(`report with plots: ${pathToFileURL(file).href}`);
  return file;
};
