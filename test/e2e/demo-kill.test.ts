/** The demo while each of its processes is killed once, kill -9, no warning: its end is the same. */
import { expect, test } from 'vitest';
import { signalProcess } from '../../infra/state/processes.ts';
import { type ProcessName, readUpRecord } from '../../infra/state/up-record.ts';
import { type DemoEnd, expectStory, runDemo } from './demo-run.ts';

type Blow = { readonly at: RegExp; readonly victim: ProcessName };

/** In their order: what the story says last before the blow, and who is hit. */
const blows: readonly Blow[] = [
  { at: /✓ ingest/, victim: 'cpu' },
  { at: /✓ features/, victim: 'gpu' },
  { at: /13 February: /, victim: 'temporal' },
  { at: /retrain started: flights/, victim: 'flow' },
  { at: /canary: From /, victim: 'postgres' },
  { at: /Somebody spoils the parameters/, victim: 'serve' },
  { at: /A feed breaks/, victim: 'control' },
];

const identityOf = (stateDir: string, victim: ProcessName) =>
  readUpRecord(stateDir)?.processes.find(({ name }) => name === victim)?.identity ?? null;

test('survives the death of every worker and server, one after the other', async () => {
  const waiting = [...blows];
  const struck: string[] = [];
  const strike = (line: string, stateDir: string): void => {
    const [next] = waiting;
    if (next === undefined || !next.at.test(line)) return;
    waiting.shift();
    const identity = identityOf(stateDir, next.victim);
    if (identity === null || !signalProcess(identity, 'SIGKILL')) return;
    struck.push(next.victim);
  };
  const end: DemoEnd = await runDemo(strike);
  expect(struck, end.told).toEqual(blows.map(({ victim }) => victim));
  expectStory(end);
}, 900_000);
