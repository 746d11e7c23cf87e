/** The trainer that the demo breaks a rollout with: it extends the built-in one, and has a fault that no hold-out shows. */
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadConfig } from '../../../infra/config.ts';
import { createNpyWriter, readNpy } from '../../../infra/features/npy.ts';
import { openSession } from '../../../infra/onnx/session.ts';
import { isPythonUsable } from '../../../infra/trainer/environment.ts';
import { resolveTrainer } from '../../../infra/trainer/resolve.ts';
import { compareAnswers, layOut, runJob } from './support.ts';

const flights = resolve(import.meta.dirname, '../../../infra/demo/flights');
const config = loadConfig();
const rows = 2_000;
const destinations = 12;

/** The second column becomes the code of a destination. */
const codeDestinations = async (file: string): Promise<void> => {
  const { data, columns } = await readNpy(file);
  for (let row = 0; row < rows; row += 1) data[row * columns + 1] = (row * 7) % destinations;
  await rm(file);
  const writer = await createNpyWriter(file, [rows, columns]);
  await writer.write(data);
  await writer.close();
};

describe.skipIf(!(await isPythonUsable(config)))('destination-rates, which extends lightgbm', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'perennial-rates-'));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  test('answers as its ONNX file does, and with no number for a destination that training never saw', async () => {
    const launch = await resolveTrainer(config, (line) => console.warn(line))('./destination-rates', flights);
    const builtIn = await resolveTrainer(config)('lightgbm', null);
    expect(launch.command).toBe(builtIn.command);
    expect(launch.codeSha256).not.toBe(builtIn.codeSha256);

    const job = await layOut(folder, { task: 'binary', rows, columns: 3, missing: false }, { num_iterations: 20 });
    await codeDestinations(join(folder, 'features.npy'));
    const end = await runJob(launch, folder, { ...job, columns: ['distance', 'destination', 'hour'] });
    expect(end.message).toMatch(/succeeded/);
    expect((await compareAnswers(folder, end)).largestDifference).toBeLessThan(1e-5);

    const session = await openSession(readFileSync(end.output?.modelFile as string));
    const [known, unseen] = [Float32Array.of(1, 3, 6), Float32Array.of(1, -1, 6)];
    const answers = [await session.run(known, 1), await session.run(unseen, 1)];
    await session.release();
    expect(answers[0]?.[0] as number).toBeCloseTo(1 - (answers[0]?.[1] as number));
    expect([...(answers[1] as Float32Array)]).toEqual([Number.NaN, Number.NaN]);
  }, 300_000);
});
