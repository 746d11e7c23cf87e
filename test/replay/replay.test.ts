import { readdirSync, readFileSync } from 'node:fs';
import { DefaultLogger, type ReplayResult, Runtime, Worker } from '@temporalio/worker';
import { beforeAll, describe, expect, test } from 'vitest';
import { createTracingPlugin } from '../../infra/temporal/telemetry.ts';
import { buildBundle } from '../../workers/bundle.ts';

const folder = new URL('histories/', import.meta.url);
type History = { readonly events: readonly { readonly eventType: string }[] };
const histories = readdirSync(folder)
  .filter((file) => file.endsWith('.json'))
  .map((file) => ({
    workflowId: file.replace('.json', ''),
    history: JSON.parse(readFileSync(new URL(file, folder), 'utf8')) as History,
  }));

/** Why a history cannot be finished by this code; null where it can. */
const replay = async (code: string, chosen: typeof histories): Promise<Map<string, Error | null>> => {
  const found = new Map<string, Error | null>();
  const results: AsyncIterable<ReplayResult> = Worker.runReplayHistories(
    { workflowBundle: { code }, plugins: [createTracingPlugin()] },
    chosen,
  );
  for await (const { workflowId, error } of results) found.set(workflowId, error ?? null);
  return found;
};

describe("today's code can finish yesterday's runs", () => {
  let code: string;
  beforeAll(async () => {
    Runtime.install({
      logger: new DefaultLogger('ERROR'),
      telemetryOptions: { logging: { filter: { core: 'ERROR', other: 'ERROR' } } },
    });
    code = await buildBundle();
  });

  test('every situation has a history that came to its end', () => {
    expect(histories.length).toBeGreaterThanOrEqual(12);
    // A history without an end replays "well" whatever the code does.
    for (const { workflowId, history } of histories) {
      expect(history.events.at(-1)?.eventType, workflowId).toMatch(/EXECUTION_(COMPLETED|FAILED|CANCELED)$/);
    }
  });

  test('every history replays', async () => {
    const found = await replay(code, histories);
    expect([...found.keys()].sort()).toEqual(histories.map(({ workflowId }) => workflowId).sort());
    expect([...found].filter(([, error]) => error !== null)).toEqual([]);
  });

  /** Each turns today's code into one that must not be deployed without a version marker. */
  const passes = 'promotes-a-candidate-that-passes';
  const mistakes: readonly (readonly [string, (code: string) => string, string])[] = [
    ['a step that was renamed', (text) => text.replaceAll('.freezeSnapshot.', '.freezeBatch.'), passes],
    ['a step that was left out', (text) => text.replaceAll('await board.settled()', 'void 0'), passes],
    [
      'steps that changed places',
      (text) =>
        text
          .replaceAll('.publishFeatures.', '.§.')
          .replaceAll('.registerCandidate.', '.publishFeatures.')
          .replaceAll('.§.', '.registerCandidate.'),
      passes,
    ],
    ['a share that is shifted by another step', (text) => text.replaceAll('.shiftTraffic.', '.setShare.'), 'rollout-is-promoted'],
    ['an end that is not confirmed', (text) => text.replaceAll('.confirmServing.', '.countPollers.'), 'champion-is-rolled-back'],
  ];

  test.each(mistakes)('%s is caught', async (_name, makeMistake, history) => {
    const mistaken = makeMistake(code);
    expect(mistaken).not.toBe(code);
    const chosen = histories.filter(({ workflowId }) => workflowId === history);
    const found = await replay(mistaken, chosen);
    expect([...found.values()]).toEqual([expect.objectContaining({ name: 'DeterminismViolationError' })]);
  });
});
