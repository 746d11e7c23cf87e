/** The demo as its user starts it, and what has to be true of its end, whatever happened on the way. */
import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { expect } from 'vitest';
import { readUpRecord } from '../../infra/state/up-record.ts';

const root = resolve(import.meta.dirname, '../..');

type Run = {
  readonly runKey: string;
  readonly verdict: string;
  readonly reason: string;
  readonly dataVersion: string;
  readonly modelVersion: number | null;
};
type Decision = {
  readonly id: number;
  readonly kind: string;
  readonly subject: string;
  readonly action: string;
  readonly reason: string;
};
type Window = {
  readonly from: string;
  readonly rows: number;
  readonly breaches: readonly { readonly variable: string | null }[];
};
export type DemoDocument = {
  readonly runs: readonly Run[];
  readonly churn: {
    readonly run: Run;
    readonly answer: { readonly prediction: unknown; readonly probability: number; readonly model_version: number };
  };
  readonly champion: { readonly version: number } | null;
  readonly requests: {
    readonly sent: number;
    readonly failed: number;
    readonly harmed: number;
    readonly retried: number;
    readonly byVersion: Readonly<Record<string, number>>;
  };
  readonly decisions: readonly Decision[];
  readonly rollouts: readonly {
    readonly version: number;
    readonly state: string;
    readonly harmed: { readonly requests: number; readonly events: number } | null;
  }[];
  readonly drift: readonly { readonly from: string; readonly outcome: string }[];
  readonly quarantined: readonly Window[];
  readonly alert: { readonly repeated: readonly boolean[]; readonly action: string; readonly reason: string };
  readonly notices: readonly { readonly event: string; readonly text: string }[];
  readonly report: string;
  readonly seconds: number;
};

export type DemoEnd = { readonly document: DemoDocument; readonly report: string; readonly told: string };

/** Runs it in a folder of its own, which is gone afterwards; `onLine` hears the story. */
export const runDemo = async (onLine: (line: string, stateDir: string) => void = () => {}): Promise<DemoEnd> => {
  const folder = await mkdtemp(join(tmpdir(), 'perennial-demo-'));
  const stateDir = join(folder, '.perennial', 'demo');
  const lines: string[] = [];
  const child = spawn(process.execPath, [join(root, 'workers/cli/main.ts'), 'demo', '--json'], {
    cwd: folder,
    env: { ...process.env, DATABASE_URL: '', TEMPORAL_ADDRESS: '', PERENNIAL_STORE: '', PERENNIAL_STATE_DIR: '' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  try {
    createInterface(child.stderr).on('line', (line) => {
      lines.push(line);
      onLine(line, stateDir);
    });
    const out: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
    const exit = await new Promise((done, fail) => child.on('error', fail).on('close', done));
    const told = lines.join('\n');
    expect(exit, told).toBe(0);
    const document = JSON.parse(Buffer.concat(out).toString('utf8')) as DemoDocument;
    // A supervisor that has ended all of its processes leaves no record of any.
    expect(readUpRecord(stateDir)).toBeNull();
    return { document, report: await readFile(document.report, 'utf8'), told };
  } finally {
    child.kill('SIGTERM');
    await rm(folder, { recursive: true, force: true });
  }
};

const cures = ['retrain', 'recalibrate'];

/** What the system has to decide, whenever it does: not one word about when, by which evidence, or after how many days. */
export const expectStory = ({ document, told }: DemoEnd): void => {
  const { runs, requests, decisions, rollouts, quarantined, alert, notices, champion, churn } = document;
  const [first, retrained, spoiled, broken] = runs as [Run, Run, Run, Run];
  expect(
    runs.map(({ verdict }) => verdict),
    told,
  ).toEqual(['promoted', 'promoted', 'rejected', 'rejected']);
  expect(first.dataVersion).not.toBe(retrained.dataVersion);

  const decided = decisions.filter(({ kind, action }) => kind === 'retrain' && cures.includes(action));
  expect(decided.find(({ subject }) => subject === retrained.runKey)?.reason).toMatch(/^(Retrain|Recalibrate) \(/);
  expect(spoiled.reason).toMatch(/roc_auc 0\.\d+/);

  const rolledOut = rollouts.map(({ version, state }) => ({ version, state }));
  expect(rolledOut).toContainEqual({ version: retrained.modelVersion, state: 'promoted' });
  expect(rolledOut).toContainEqual({ version: broken.modelVersion, state: 'rolled back' });
  expect(broken.reason).toMatch(/^Rolled back, harm is shown: (errors|invalid_output)/);
  const harm = rollouts.find(({ version }) => version === broken.modelVersion)?.harmed;
  expect(harm?.events).toBeGreaterThan(0);
  expect(harm?.requests).toBeLessThan(requests.sent / 10);
  expect(told).toMatch(/harmed \d+ requests before it was taken back/);

  const feed = quarantined.at(-1) as Window;
  expect(feed.breaches.map(({ variable }) => variable)).toContain('origin');
  const aboutFeed = decisions.filter(({ subject }) => subject.startsWith(feed.from));
  expect(aboutFeed.map(({ kind, action }) => `${kind} ${action}`)).toContain('quality quarantine');
  expect(aboutFeed.filter(({ kind, action }) => kind === 'retrain' && cures.includes(action))).toEqual([]);

  expect(alert).toMatchObject({ repeated: [false, true], action: 'suppressed' });
  expect(decisions.filter(({ reason }) => reason.startsWith('Suppressed (asked)'))).toHaveLength(1);
  const events = notices.map(({ event }) => event);
  for (const event of ['retrain started', 'promoted', 'rolled back', 'quarantined']) expect(events).toContain(event);

  expect(requests).toMatchObject({ failed: 0 });
  expect(requests.sent).toBeGreaterThan(10_000);
  expect(champion?.version).toBe(retrained.modelVersion);
  expect(churn.run.verdict).toBe('promoted');
  expect(churn.answer).toMatchObject({ prediction: true, model_version: 1 });
};
