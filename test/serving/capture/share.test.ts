import { afterEach, beforeEach, expect, test } from 'vitest';
import { isKept } from '../../../serving/capture/kept.ts';
import { createPredictionId } from '../../../serving/predict/prediction-id.ts';
import type { PipelineName, Ratio } from '../../../workflows/domain/units.ts';
import { get, post, until, untilReady } from '../support/http.ts';
import { createLoggedWorld, type LoggedWorld } from '../support/logged-world.ts';
import { answeredIn } from '../support/logs.ts';
import { captureIn, churnProfile } from '../support/profiles.ts';

let { world, log, sink } = {} as LoggedWorld;
beforeEach(async () => {
  ({ world, log, sink } = await createLoggedWorld());
});
afterEach(() => world.close());

const churn = 'churn' as PipelineName;
const row = { tenure: 5, contract: 'monthly', charges: 70.5 };
const capture = (share: unknown) => world.applyPipeline(churn, { serve: { capture: share } });
const rowsCounted = (): number => sink.lastOf('champion', 1)?.requests ?? 0;
type Told = { readonly prediction_id: string; readonly captured?: boolean };

const askUntil = async (url: string, what: string, isSo: (told: Told) => boolean): Promise<number> => {
  let sent = 0;
  await until(what, async () => {
    sent += 1;
    return isSo((await post(`${url}/predict/churn`, row)).body as Told);
  });
  return sent;
};

test('a share keeps the rows that the answers name, counts all of them, and follows the file without a new generation', async () => {
  await world.deploy({ pipeline: churn, bias: -1 }, churnProfile);
  await capture('25%');
  const { url } = await world.serve({ overrides: { capture: captureIn(log, sink) } });
  await untilReady(url);
  const told: Told[] = [];
  for (let request = 0; request < 200; request += 1) told.push((await post(`${url}/predict/churn`, row)).body as Told);
  const { predictions } = (await post(`${url}/predict/churn`, { rows: [row, row, row, row] })).body as { predictions: Told[] };
  const all = [...told, ...predictions];
  const kept = all.filter(({ captured }) => captured === true).map(({ prediction_id: id }) => id);
  expect(all.every(({ captured }) => typeof captured === 'boolean')).toBe(true);
  // Chance is not ours to draw here: outside of this one fair draw in 100 million of 204 lies.
  expect(kept.length).toBeGreaterThan(18);
  expect(kept.length).toBeLessThan(90);
  expect(
    answeredIn(log)
      .map(({ id }) => id)
      .toSorted(),
  ).toEqual(kept.toSorted());
  const upTo = new Map(all.map(({ prediction_id: id }, index) => [id, index + 1]));
  expect(answeredIn(log).map(({ id, counted }) => [id, counted])).toEqual(answeredIn(log).map(({ id }) => [id, upTo.get(id)]));
  await until('all requests are counted', async () => rowsCounted() === 201);
  expect(JSON.stringify((await get(`${url}/openapi.json`)).body)).toContain('"captured"');

  await capture('all');
  const before = await askUntil(url, 'answers say no more what was kept', ({ captured }) => captured === undefined);
  await post(`${url}/predict/churn`, row);
  await until('those are counted too', async () => rowsCounted() === 202 + before);
  const logged = answeredIn(log);
  expect(logged.length).toBeGreaterThan(kept.length);
  expect(new Set(logged.map(({ generation }) => generation))).toEqual(new Set([1]));
  expect(sink.lastOf('champion', 2)).toBeUndefined();

  await capture(0);
  await askUntil(url, 'nothing is kept', ({ captured }) => captured === false);
  const quiet = answeredIn(log).length;
  expect((await post(`${url}/predict/churn`, row)).body).toMatchObject({ captured: false });
  expect(answeredIn(log).length).toBe(quiet);
});

test('a larger share keeps what a smaller one kept, and each keeps its part', () => {
  const ids = Array.from({ length: 20_000 }, () => createPredictionId());
  const keptOf = (share: number) => ids.filter((id) => isKept(id, share as Ratio));
  const [tenth, half] = [keptOf(0.1), keptOf(0.5)];
  expect(tenth.every((id) => isKept(id, 0.5 as Ratio))).toBe(true);
  expect(Math.abs(tenth.length - 2_000)).toBeLessThan(6 * Math.sqrt(20_000 * 0.1 * 0.9));
  expect(Math.abs(half.length - 10_000)).toBeLessThan(6 * Math.sqrt(20_000 * 0.25));
  expect([keptOf(0).length, keptOf(1).length]).toEqual([0, 20_000]);
});
