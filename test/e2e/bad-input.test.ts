/** Whatever is wrong with what a user brings: a clear end, nothing half-registered, and everything alive afterwards. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { PipelineName } from '#domain/units.ts';
import { type BadInput, badFiles, badRuns, cell, layOut, rows } from './bad-input.ts';
import { perennial } from './perennial.ts';
import { openStage, type Stage } from './stage.ts';

type Document = {
  error?: { code: string; message: string; hint: string; docs: string; retryable: boolean; exit: number };
  verdict?: string;
  reason?: string;
  modelVersion?: number | null;
};

let stage: Stage;

beforeAll(async () => {
  stage = await openStage();
}, 120_000);
afterAll(() => stage?.close(), 60_000);

const run = async (input: Omit<BadInput, 'exit' | 'says'>): Promise<{ exit: number | null; document: Document }> => {
  const { exit, stdout, stderr } = await perennial(stage, 'run', await layOut(stage.folder, input), '--wait', '--json');
  expect(stdout, stderr).not.toBe('');
  return { exit, document: JSON.parse(stdout) as Document };
};

/** A verdict has a reason; an error has its code, what is, and what to do. */
const expectEnd = (input: BadInput, { exit, document }: Awaited<ReturnType<typeof run>>): void => {
  const { code, says } = input;
  const { error, verdict, reason } = document;
  if (code === undefined) expect(document).toMatchObject({ verdict: 'rejected', modelVersion: null });
  else
    expect(error).toMatchObject({
      code,
      exit: input.exit,
      hint: expect.stringMatching(/./),
      docs: expect.stringContaining('errors.md'),
    });
  expect(code === undefined ? reason : error?.message).toMatch(says);
  expect(exit, verdict ?? error?.code).toBe(input.exit);
};

const expectNothingMade = async (name: string): Promise<void> => {
  const pipeline = name as PipelineName;
  expect(await stage.context.registry.list(pipeline)).toEqual([]);
  expect(await stage.context.registry.promotions(pipeline)).toEqual([]);
  expect((await stage.context.deployments.get(pipeline))?.champion ?? null).toBeNull();
};

/** A few at a time, as users come: one trainer that hangs makes the others wait, and hurts none. */
describe.concurrent('perennial run --wait with', () => {
  it.each(Object.entries(badFiles))('%s begins no run', async (_, input) => {
    expectEnd(input, await run(input));
    expect(await stage.context.runs.list({ pipeline: input.name as PipelineName, limit: 9 })).toEqual([]);
    await expectNothingMade(input.name);
  });

  it.each(Object.entries(badRuns))('%s ends clearly and leaves no version', async (_, input) => {
    expectEnd(input, await run(input));
    const recorded = await stage.context.runs.list({ pipeline: input.name as PipelineName, limit: 9 });
    expect(recorded).toMatchObject([{ outcome: input.code === undefined ? 'rejected' : 'failed', endedAt: expect.any(String) }]);
    expect(recorded[0]?.result?.reason).toMatch(input.code === undefined ? /^Data rejected/ : new RegExp(`^${input.code}: `));
    await expectNothingMade(input.name);
  });
});

describe('after all of them', () => {
  const steady = 'steady' as PipelineName;
  const lateRow = cell(1, 'many', (row) => row === 997);

  it('a good run promotes version 1, although one late row has a wrong type', async () => {
    const { exit, document } = await run({ name: steady, csv: rows(1000, lateRow) });
    expect(document).toMatchObject({ verdict: 'promoted', modelVersion: 1 });
    expect(exit).toBe(0);
    const [snapshot] = await stage.context.snapshots.list(steady);
    expect(snapshot).toMatchObject({ rows: 999 });
  });

  it('bad data and a bad trainer of that pipeline change neither champion nor answers', async () => {
    const before = await stage.context.deployments.get(steady);
    expect(
      await run({
        name: steady,
        csv: rows(
          1000,
          cell(1, 'many', (row) => row > 970),
        ),
      }),
    ).toMatchObject({ exit: 3 });
    expect(await run({ name: steady, csv: rows(900), trainer: 'writes-half-a-result' })).toMatchObject({ exit: 1 });
    expect(await stage.context.deployments.get(steady)).toEqual(before);
    expect(await stage.context.registry.list(steady)).toHaveLength(1);
    const asked = await perennial(stage, 'predict', steady, JSON.stringify({ tenure: 2, charges: 100 }));
    expect(JSON.parse(asked.stdout), asked.stderr).toMatchObject({ model_version: 1 });
  });

  it('every run has ended in the record, and everything agrees', async () => {
    const { stdout } = await perennial(stage, 'runs', 'list', '--limit', '99', '--json');
    const { runs } = JSON.parse(stdout) as { runs: { pipeline: string; outcome: string | null }[] };
    expect(runs).toHaveLength(Object.keys(badRuns).length + 3);
    expect(runs.filter(({ outcome }) => outcome === null)).toEqual([]);
    const verified = await perennial(stage, 'verify');
    expect(verified.exit, verified.stdout + verified.stderr).toBe(0);
  });
});
