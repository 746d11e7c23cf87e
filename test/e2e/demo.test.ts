/** The demo as its user starts it; the verdicts are the system's own. */
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';

const root = resolve(import.meta.dirname, '../..');

type Run = {
  workflowId: string;
  verdict: string;
  reason: string;
  dataVersion: string;
  modelVersion: number | null;
  metrics: Record<string, number>;
};
type Document = {
  runs: Run[];
  churn: { run: Run; answer: { prediction: unknown; probability: number; model_version: number } };
  champion: { version: number } | null;
  requests: { sent: number; failed: number; byVersion: Record<string, number> };
  seconds: number;
};

const runDemo = (folder: string): Promise<{ exit: number | null; stdout: string; stderr: string }> =>
  new Promise((done, fail) => {
    const child = spawn(process.execPath, [join(root, 'workers/cli/main.ts'), 'demo', '--json'], {
      cwd: folder,
      env: { ...process.env, DATABASE_URL: '', TEMPORAL_ADDRESS: '', PERENNIAL_STORE: '', PERENNIAL_STATE_DIR: '' },
    });
    const out = { stdout: '', stderr: '' };
    child.stdout.on('data', (chunk: Buffer) => (out.stdout += chunk));
    child.stderr.on('data', (chunk: Buffer) => (out.stderr += chunk));
    child.on('error', fail);
    child.on('close', (exit) => done({ exit, ...out }));
  });

describe('perennial demo --json', () => {
  let document: Document;

  beforeAll(async () => {
    const folder = await mkdtemp(join(tmpdir(), 'perennial-demo-'));
    const { exit, stdout, stderr } = await runDemo(folder);
    expect(exit, stderr).toBe(0);
    document = JSON.parse(stdout) as Document;
    await rm(folder, { recursive: true, force: true });
  }, 900_000);

  it('promotes the first model, and rejects the spoiled one with the inequality', () => {
    expect(document.runs.map((run) => run.verdict)).toEqual(['promoted', 'promoted', 'rejected']);
    expect(document.runs[2]?.reason).toMatch(/roc_auc.*0\.\d+.*0\.6/);
  });

  it('makes a new data version of February, and none of changed parameters', () => {
    const [january, february, spoiled] = document.runs.map((run) => run.dataVersion);
    expect(february).not.toBe(january);
    expect(spoiled).toBe(february);
  });

  it('fails no request while the champion changes', () => {
    expect(document.requests.failed).toBe(0);
    expect(document.requests.sent).toBeGreaterThan(200);
    expect(Object.keys(document.requests.byVersion)).toEqual(['1', '2']);
    expect(document.champion?.version).toBe(2);
  });

  it('answers the churn form with prediction and probability', () => {
    const { run, answer } = document.churn;
    expect(run.verdict).toBe('promoted');
    expect(answer.model_version).toBe(1);
    expect(answer.probability).toBeGreaterThan(0.5);
  });
});
