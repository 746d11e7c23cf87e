import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { publishedName } from '../../infra/features/published-view.ts';
import { loadServedModel } from '../../serving/model/served-model.ts';
import type { PredictServerOptions } from '../../serving/predict/server.ts';
import type { FeatureSet, ServedView } from '../../workflows/domain/contracts/feature-set.ts';
import { assignArm } from '../../workflows/domain/decide/assign-arm.ts';
import type { Instant, PipelineName, VersionNumber } from '../../workflows/domain/units.ts';
import { get, post, until, untilReady } from './support/http.ts';
import { type Reply, startLoad } from './support/load.ts';
import { createLoggedWorld, type LoggedWorld } from './support/logged-world.ts';
import { answeredIn, readLog } from './support/logs.ts';
import { churnFeatures, churnProbability, flightFeatures } from './support/models.ts';
import { captureIn, churnProfile } from './support/profiles.ts';
import { startServeProcess } from './support/serve-process.ts';

let { world, log, sink } = {} as LoggedWorld;
beforeEach(async () => {
  ({ world, log, sink } = await createLoggedWorld());
});
afterEach(() => world.close());

const churn = 'churn' as PipelineName;
const flights = 'flights' as PipelineName;
const instantOf = (day: string): Instant => `${day}T00:00:00.000Z` as Instant;
const row = { tenure: 5, contract: 'monthly', charges: 70.5 };
const rowAt = (index: number) => ({ ...row, tenure: index % 100 });
const serve = () => world.serve({ overrides: { capture: captureIn(log, sink) } });
const reports = () => world.deployments.serverReports(churn, 10_000);
const untilReported = (generation: number, state = 'serving') =>
  until(`generation ${generation} is ${state}`, async () =>
    (await reports()).some((report) => report.generation === generation && report.state === state),
  );

/** Champion and candidate answer differently; both have a profile. */
const twoVersions = async () => {
  const champion = await world.deploy({ pipeline: 'churn', bias: -1 }, churnProfile);
  const candidate = await world.add({ pipeline: 'churn', bias: 1 }, churnProfile);
  return { champion, candidate };
};
const units = Array.from({ length: 400 }, (_, index) => `customer-${index}`);
const armsOf = async (url: string, digests: { champion: string; candidate: string }): Promise<Map<string, string>> => {
  const arms = new Map<string, string>();
  for (const unit of units) {
    const { status, headers } = await post(`${url}/predict/churn`, row, { 'perennial-unit': unit });
    expect(status).toBe(200);
    const digest = headers.get('perennial-model-digest');
    arms.set(unit, digest === digests.candidate ? 'candidate' : digest === digests.champion ? 'champion' : 'nobody');
  }
  return arms;
};

describe('a canary', () => {
  test('and the champion look up values of their own, where one view has two definitions', async () => {
    const [view] = flightFeatures.views as [ServedView];
    const redefined: ServedView = { ...view, sql: 'select 2' };
    const origin = 'SEA';
    const rates = { champion: 0.5, candidate: 0.75 };
    const publish = (publication: string, found: typeof rates) =>
      world.onlineFeatures.publish(
        flights,
        publication,
        (async function* () {
          const row = { entity: origin, knownAt: instantOf('2001-01-31') };
          yield { ...row, view: publishedName(view), values: { late_rate: found.champion } };
          yield { ...row, view: publishedName(redefined), values: { late_rate: found.candidate } };
        })(),
      );
    const champion = await world.deploy({ pipeline: flights, bias: 0, task: 'regression', featureSet: flightFeatures });
    const featureSet = { ...flightFeatures, views: [redefined] };
    const candidate = await world.add({ pipeline: flights, bias: 0, task: 'regression', featureSet });
    await publish('first', rates);
    const { url, metrics } = await serve();
    await untilReady(url);
    const { generation } = await world.rollOut(flights, candidate.version, { share: 0.5, salt: 'a salt' });
    await until('the candidate is served', async () =>
      (await world.deployments.serverReports(flights, 10_000)).some(
        (report) => report.generation === generation && report.candidateSha256 === candidate.modelSha256,
      ),
    );
    const ratesOf = async () => {
      const seen = { champion: new Set<number>(), candidate: new Set<number>() };
      for (const unit of units.slice(0, 40)) {
        const asked = { date: '2001-02-01T10:00:00Z', origin };
        const { body, headers } = await post(`${url}/predict/flights`, asked, { 'perennial-unit': unit });
        const arm = headers.get('perennial-model-digest') === candidate.modelSha256 ? 'candidate' : 'champion';
        expect(arm).toBe(assignArm({ salt: 'a salt', share: 0.5 }, unit));
        seen[arm].add(Math.round((body.prediction as number) * 1e6) / 1e4);
      }
      return { champion: [...seen.champion], candidate: [...seen.candidate] };
    };
    expect(await ratesOf()).toEqual({ champion: [rates.champion], candidate: [rates.candidate] });
    const next = { champion: 0.125, candidate: 0.25 };
    await publish('second', next);
    await until('the next publication is in memory', async () => (await ratesOf()).champion.at(-1) === next.champion);
    expect(await ratesOf()).toEqual({ champion: [next.champion], candidate: [next.candidate] });
    // People and logs know the view by its own name.
    const logged = answeredIn(log);
    const looked = logged.map(({ modelSha256, views }) => [modelSha256 === champion.modelSha256, views['origin_past']]);
    expect(looked).toContainEqual([true, { late_rate: rates.champion }]);
    expect(looked).toContainEqual([false, { late_rate: rates.candidate }]);
    expect((await metrics.exposition()).text).toContain('perennial_online_entities{pipeline="flights",view="origin_past"} 1');
  });

  test('splits by the salted hash of the unit, and a raised share moves nobody back', async () => {
    const { champion, candidate } = await twoVersions();
    const { url, metrics } = await serve();
    await untilReady(url);
    const rollout = await world.rollOut('churn', candidate.version, { share: 0.1, salt: 'a salt' });
    const digests = { champion: champion.modelSha256, candidate: candidate.modelSha256 };
    let before = new Set<string>();
    let { generation } = rollout;
    for (const share of [0.1, 0.3, 0.8]) {
      if (share > 0.1) generation = await rollout.shift(share);
      await untilReported(generation);
      expect((await reports())[0]).toMatchObject({
        modelSha256: champion.modelSha256,
        candidateSha256: candidate.modelSha256,
        share,
        reason: null,
      });
      const arms = await armsOf(url, digests);
      expect(arms).toEqual(new Map(units.map((unit) => [unit, assignArm({ salt: 'a salt', share }, unit)])));
      const now = new Set(units.filter((unit) => arms.get(unit) === 'candidate'));
      expect([...before].filter((unit) => !now.has(unit))).toEqual([]);
      before = now;
      expect((await metrics.exposition()).text).toContain(`perennial_rollout_share{pipeline="churn"} ${share}`);
    }
    const back = await rollout.end('rolled back');
    await untilReported(back);
    expect(new Set((await armsOf(url, digests)).values())).toEqual(new Set(['champion']));
    expect((await reports())[0]).toMatchObject({ modelSha256: champion.modelSha256, candidateSha256: null, share: 0 });
  });

  test('names the arm that answered: digest, version and answer belong together, and the log says the same', async () => {
    const { champion, candidate } = await twoVersions();
    const { url, close } = await serve();
    await untilReady(url);
    const { generation } = await world.rollOut('churn', candidate.version, { share: 0.5 });
    await untilReported(generation);
    const answered = new Map<string, { arm: string; version: number }>();
    for (const unit of units.slice(0, 60)) {
      const { headers, body } = await post(`${url}/predict/churn`, row, { 'perennial-unit': unit });
      const isCandidate = headers.get('perennial-model-digest') === candidate.modelSha256;
      const one = isCandidate ? { ...candidate, bias: 1 } : { ...champion, bias: -1 };
      expect(body).toMatchObject({ model_version: one.version, probability: expect.closeTo(churnProbability(one.bias, row), 5) });
      expect(headers.get('perennial-model-generation')).toBe(String(generation));
      answered.set(body.prediction_id, { arm: isCandidate ? 'candidate' : 'champion', version: one.version });
    }
    expect(new Set([...answered.values()].map(({ arm }) => arm))).toEqual(new Set(['champion', 'candidate']));
    await close();
    const logged = answeredIn(log);
    expect(new Map(logged.map(({ id, arm, version }) => [id, { arm, version }]))).toEqual(answered);
    expect(new Set(logged.map(({ unit }) => unit)).size).toBe(60);
    expect(logged[0]).toMatchObject({
      generation,
      shadow: false,
      inputs: row,
      views: {},
      unit: expect.stringMatching(/^[0-9a-f]{16}$/),
    });
  });

  test('deals each row of a request by its own fields, and each answer names its version', async () => {
    const { champion, candidate } = await twoVersions();
    const { url } = await serve();
    await untilReady(url);
    const { generation } = await world.rollOut('churn', candidate.version, { share: 0.5, by: ['tenure', 'contract'] });
    await untilReported(generation);
    const rows = Array.from({ length: 80 }, (_, index) => rowAt(index));
    const { body, headers } = await post(`${url}/predict/churn`, { rows });
    const salt = `roll-out/churn/${candidate.version}`;
    const wanted = rows.map(({ tenure }) => assignArm({ salt, share: 0.5 }, `${tenure}|monthly`));
    expect(new Set(wanted).size).toBe(2);
    const version = { champion: champion.version, candidate: candidate.version };
    expect(body.predictions.map((each: { model_version: number }) => each.model_version)).toEqual(
      wanted.map((arm) => version[arm]),
    );
    expect(body.predictions[7].probability).toBeCloseTo(
      churnProbability(wanted[7] === 'candidate' ? 1 : -1, rows[7] as typeof row),
      5,
    );
    expect(body.model_version).toBe(version[wanted[0] as 'champion']);
    expect(headers.get('perennial-prediction-id')).toBe(body.predictions[0].prediction_id);
    await until('both arms were told', async () => sink.lastOf('candidate', generation) !== undefined);
    const counted = (['champion', 'candidate'] as const).map((arm) => sink.lastOf(arm, generation));
    expect(counted.map((tally) => tally?.requests)).toEqual([1, 1]);
    expect(counted.map((tally) => tally?.units)).toEqual(
      ['champion', 'candidate'].map((arm) => wanted.filter((one) => one === arm).length),
    );
  });

  test('fails no request under load from 10 % to 50 % to 100 % and promotion, and loads the candidate once', async () => {
    const { champion, candidate } = await twoVersions();
    const { url } = await startServeProcess(world);
    await untilReady(url);
    const models = new Map([
      [champion.modelSha256 as string, { bias: -1, version: champion.version as number }],
      [candidate.modelSha256 as string, { bias: 1, version: candidate.version as number }],
    ]);
    const seen = new Map<string, number>();
    const judge = ({ status, digest, body }: Reply, index: number): string | null => {
      const model = models.get(digest ?? '');
      if (status !== 200 || model === undefined) return `status ${status}, digest ${digest}: ${JSON.stringify(body)}`;
      seen.set(digest ?? '', (seen.get(digest ?? '') ?? 0) + 1);
      const wanted = churnProbability(model.bias, rowAt(index));
      return Math.abs(body.probability - wanted) < 1e-5 && body.model_version === model.version
        ? null
        : `${JSON.stringify(body)} of ${digest}`;
    };
    const load = startLoad(`${url}/predict/churn`, 8, rowAt, judge);
    const answeredMore = async (): Promise<void> => {
      const before = load.sent();
      await until('requests were answered meanwhile', async () => load.sent() > before + 200);
    };
    const rollout = await world.rollOut('churn', candidate.version, { share: 0.1 });
    await untilReported(rollout.generation);
    await answeredMore();
    for (const share of [0.5, 1]) {
      await untilReported(await rollout.shift(share));
      await answeredMore();
    }
    seen.clear();
    await answeredMore();
    expect([...seen.keys()]).toEqual([candidate.modelSha256]);
    await untilReported(await rollout.end('promoted'));
    await answeredMore();
    const { sent, failures } = await load.stop();
    expect(failures.slice(0, 3)).toEqual([]);
    expect(sent).toBeGreaterThan(1_000);
    expect((await reports())[0]).toMatchObject({ modelSha256: candidate.modelSha256, candidateSha256: null, share: 0 });
    // One load of each version: a promotion needs none.
    expect((await get(`${url}/metrics`)).body).toContain('perennial_model_loads_total{pipeline="churn"} 2');
  });

  test('with a candidate that cannot be served leaves everything to the champion, and says why', async () => {
    const champion = await world.deploy({ pipeline: 'churn', bias: -1 });
    const wrong = await world.add({ pipeline: 'churn', bias: 3, goldenOff: 0.2 });
    const { url } = await serve();
    await untilReady(url);
    const rollout = await world.rollOut('churn', wrong.version, { share: 1 });
    await untilReported(rollout.generation, 'refused');
    expect((await reports())[0]).toMatchObject({
      modelSha256: champion.modelSha256,
      candidateSha256: null,
      share: 0,
      reason: expect.stringMatching(/golden row/),
    });
    for (const unit of units.slice(0, 30)) {
      expect((await post(`${url}/predict/churn`, row, { 'perennial-unit': unit })).body.model_version).toBe(champion.version);
    }
    // Nothing was dealt out: the segment of the rollout has counters of neither arm.
    await until('the counters were told', async () => (sink.lastOf('champion', 0)?.requests ?? 0) >= 30);
    expect(sink.tallies.filter(({ generation }) => generation === rollout.generation)).toEqual([]);
    await untilReported(await rollout.end('rolled back'));
    expect((await post(`${url}/predict/churn`, row)).body.model_version).toBe(champion.version);
  });

  test('goes on with the pair it has when a lower generation comes', async () => {
    const { candidate } = await twoVersions();
    const { url } = await serve();
    await untilReady(url);
    const rollout = await world.rollOut('churn', candidate.version, { share: 1 });
    await untilReported(rollout.generation);
    // As after a restore of the database from an older backup.
    await world.db.updateTable('deployments').set({ generation: 1, rollout: null }).execute();
    await until('the server has refused it', async () =>
      (await get(`${url}/metrics`)).body.includes('perennial_generations_refused_total{pipeline="churn"}'),
    );
    expect((await post(`${url}/predict/churn`, row)).body.model_version).toBe(candidate.version);
  });
});

describe('what goes wrong', () => {
  const outcome = (tally: { requests: number; events: object } | undefined) => ({
    requests: tally?.requests,
    events: tally?.events,
  });
  const none = { errors: 0, timeouts: 0, shed: 0, invalid_output: 0 };

  test('in a candidate is answered as an error and counted as its harm, never handed to the champion', async () => {
    const champion = await world.deploy({ pipeline: 'churn', bias: 0, task: 'regression' });
    const candidate = await world.add({ pipeline: 'churn', bias: 0, task: 'regression', isRoot: true });
    const { url, close } = await serve();
    await untilReady(url);
    const { generation } = await world.rollOut('churn', candidate.version, { share: 0.5, by: ['tenure'] });
    await untilReported(generation);
    const tenureOf = (arm: string): number =>
      Array.from({ length: 100 }, (_, index) => index).find(
        (tenure) => assignArm({ salt: `roll-out/churn/${candidate.version}`, share: 0.5 }, String(tenure)) === arm,
      ) as number;
    const below = { ...row, charges: -1_000 };
    const good = await post(`${url}/predict/churn`, { ...below, tenure: tenureOf('champion') });
    expect(good).toMatchObject({ status: 200, body: { model_version: champion.version } });
    const bad = await post(`${url}/predict/churn`, { ...below, tenure: tenureOf('candidate') });
    expect(bad).toMatchObject({ status: 500, body: { error: { code: 'PRN_SERVING_ANSWER' } } });
    expect(bad.headers.get('perennial-model-digest')).toBe(candidate.modelSha256);
    await close();
    expect(outcome(sink.lastOf('champion', generation))).toEqual({ requests: 1, events: none });
    expect(outcome(sink.lastOf('candidate', generation))).toEqual({
      requests: 1,
      events: { ...none, errors: 1, invalid_output: 1 },
    });
    const refused = readLog(log).filter(({ kind }) => kind === 'refused');
    expect(refused).toEqual([expect.objectContaining({ arm: 'candidate', generation, status: 500, code: 'PRN_SERVING_ANSWER' })]);
  });

  test('in a candidate leaves nothing of its request answered: the log says what the client was told', async () => {
    await world.deploy({ pipeline: 'churn', bias: 0, task: 'regression' });
    const candidate = await world.add({ pipeline: 'churn', bias: 0, task: 'regression', isRoot: true });
    const { url, close } = await serve();
    await untilReady(url);
    const { generation } = await world.rollOut('churn', candidate.version, { share: 0.5, by: ['tenure'] });
    await untilReported(generation);
    const rows = Array.from({ length: 40 }, (_, index) => rowAt(index));
    const bad = await post(`${url}/predict/churn`, { rows: rows.map((one) => ({ ...one, charges: -1_000 })) });
    expect(bad).toMatchObject({ status: 500, body: { error: { code: 'PRN_SERVING_ANSWER' } } });
    const good = await post(`${url}/predict/churn`, { rows });
    expect(good.status).toBe(200);
    await close();
    const records = readLog(log);
    const told = good.body.predictions.map(({ prediction_id }: { prediction_id: string }) => prediction_id).sort();
    expect(
      records
        .filter(({ kind }) => kind === 'answered')
        .map(({ id }) => id)
        .sort(),
    ).toEqual(told);
    expect(records.filter(({ kind }) => kind === 'refused')).toHaveLength(1);
    const harm = { ...none, errors: 1, invalid_output: 1 };
    expect(outcome(sink.lastOf('champion', generation))).toEqual({ requests: 2, events: none });
    expect(outcome(sink.lastOf('candidate', generation))).toEqual({ requests: 2, events: harm });
  });

  test('of its sender counts for nobody, unless the champion would have answered', async () => {
    await world.deploy({ pipeline: 'churn', bias: -1 });
    const stricter: FeatureSet = {
      ...churnFeatures,
      request: churnFeatures.request.map((field) => (field.name === 'tenure' ? { ...field, max: 10 } : field)),
    };
    const candidate = await world.add({ pipeline: 'churn', bias: 1, featureSet: stricter });
    const { url, close } = await serve();
    await untilReady(url);
    const { generation } = await world.rollOut('churn', candidate.version, { share: 1 });
    await untilReported(generation);
    expect((await post(`${url}/predict/churn`, { ...row, tenure: 50 })).status).toBe(422);
    expect((await post(`${url}/predict/churn`, { ...row, tenure: 500 })).status).toBe(422);
    expect((await post(`${url}/predict/churn`, '{"tenure"')).status).toBe(400);
    await close();
    expect(outcome(sink.lastOf('candidate', generation))).toEqual({ requests: 2, events: { ...none, errors: 1 } });
    expect(readLog(log).map((record) => record.kind === 'refused' && [record.status, record.arm])).toEqual([
      [422, 'candidate'],
      [422, 'candidate'],
      [400, null],
    ]);
  });

  test('is also an answer that is slower than the bounds, or out of the range of the profile', async () => {
    const { candidate } = await twoVersions();
    const { url, close } = await serve();
    await untilReady(url);
    const latencyMs = { p95: 1e-6, p99: 1e9 };
    const { generation } = await world.rollOut('churn', candidate.version, { share: 1, latencyMs });
    await untilReported(generation);
    await post(`${url}/predict/churn`, row);
    await post(`${url}/predict/churn`, {
      rows: [
        { ...row, charges: 100_000 },
        { ...row, charges: 200_000 },
      ],
    });
    await close();
    expect(outcome(sink.lastOf('candidate', generation))).toEqual({
      requests: 2,
      // Once for a request, however many of its rows.
      events: { ...none, latency_p95: 2, latency_p99: 0, out_of_range: 1 },
    });
  });

  test('is also an answer that comes when its client has gone', async () => {
    const { candidate } = await twoVersions();
    const { promise: gate, resolve: open } = Promise.withResolvers<void>();
    let asked = 0;
    const capture = captureIn(log, sink);
    const load: PredictServerOptions['load'] = async (pipeline, wanted) => {
      const model = await loadServedModel(world.store.content, pipeline, wanted);
      const predict: typeof model.predict = async (...rows) => {
        asked += 1;
        await gate;
        return model.predict(...rows);
      };
      return { ...model, predict };
    };
    // A connection whose client has gone counts as open until it is cut.
    const { url, close } = await world.serve({ overrides: { capture, load, drainMs: 200 } });
    await untilReady(url);
    const { generation } = await world.rollOut('churn', candidate.version, { share: 1 });
    await untilReported(generation);
    const impatient = new AbortController();
    const headers = { 'content-type': 'application/json' };
    const gone = fetch(`${url}/predict/churn`, { method: 'POST', headers, body: JSON.stringify(row), signal: impatient.signal });
    await until('it is being answered', async () => asked === 1);
    impatient.abort();
    await expect(gone).rejects.toThrow('abort');
    const patient = post(`${url}/predict/churn`, row);
    await until('the other is being answered', async () => asked === 2);
    open();
    expect((await patient).status).toBe(200);
    await close();
    expect(outcome(sink.lastOf('candidate', generation))).toMatchObject({ requests: 2, events: { ...none, timeouts: 1 } });
  });

  test('when too much is asked counts as shed, for the arm that would have answered', async () => {
    const { candidate } = await twoVersions();
    const capture = captureIn(log, sink);
    const pressure = { eventLoopDelayMs: 10_000, sampleMs: 10_000, inFlight: 0 };
    const { url, close } = await world.serve({ overrides: { capture, pressure } });
    await untilReady(url);
    const { generation } = await world.rollOut('churn', candidate.version, { share: 0.5, salt: 's' });
    await untilReported(generation);
    const asked = units.slice(0, 40);
    for (const unit of asked) expect((await post(`${url}/predict/churn`, row, { 'perennial-unit': unit })).status).toBe(503);
    await close();
    for (const arm of ['champion', 'candidate'] as const) {
      const shed = asked.filter((unit) => assignArm({ salt: 's', share: 0.5 }, unit) === arm).length;
      expect(sink.lastOf(arm, generation)).toMatchObject({ requests: shed, events: { shed, errors: 0 } });
    }
    expect(readLog(log).filter(({ kind }) => kind === 'refused')).toHaveLength(40);
  });
});

describe('a shadow', () => {
  test('leaves answers to the champion and compares the candidate on the same rows', async () => {
    const { champion, candidate } = await twoVersions();
    const { url, close } = await serve();
    await untilReady(url);
    const { generation } = await world.rollOut('churn', candidate.version, { strategy: 'shadow', share: 1 });
    await untilReported(generation);
    const ids: string[] = [];
    for (let index = 0; index < 20; index += 1) {
      const { body, headers } = await post(`${url}/predict/churn`, rowAt(index));
      expect(headers.get('perennial-model-digest')).toBe(champion.modelSha256);
      ids.push(body.prediction_id);
    }
    await close();
    const difference = Array.from(
      { length: 20 },
      (_, index) => churnProbability(1, rowAt(index)) - churnProbability(-1, rowAt(index)),
    );
    const tally = sink.lastOf('candidate', generation);
    expect(tally).toMatchObject({ requests: 20, events: { errors: 0 }, shadow: { compared: 20 } });
    expect(tally?.shadow?.absoluteDifference).toBeCloseTo(
      difference.reduce((sum, one) => sum + one, 0),
      4,
    );
    const sides = (bias: number): boolean[] =>
      Array.from({ length: 20 }, (_, index) => churnProbability(bias, rowAt(index)) >= 0.5);
    expect(tally?.shadow?.disagreed).toBe(sides(1).filter((side, index) => side !== sides(-1)[index]).length);
    expect(sink.lastOf('champion', generation)).toMatchObject({ requests: 20, shadow: null });
    const logged = answeredIn(log);
    expect(logged.filter(({ shadow }) => shadow).map(({ id }) => id)).toEqual(ids);
    expect(logged.filter(({ shadow }) => !shadow).map(({ id, arm }) => [id, arm])).toEqual(ids.map((id) => [id, 'champion']));
    // Rows of the shadow are in no window: the champion's has them.
    const rows = sink.flushes.at(-1)?.flush;
    expect([rows?.arm, rows?.windows[0]?.rows]).toEqual(['champion', 20]);
    expect(sink.flushes.some(({ flush }) => flush.arm === 'candidate')).toBe(false);
  });

  test('compares only the share that it is given, always the same units', async () => {
    const { candidate } = await twoVersions();
    const { url, close } = await serve();
    await untilReady(url);
    const { generation } = await world.rollOut('churn', candidate.version, { strategy: 'shadow', share: 0.25, salt: 's' });
    await untilReported(generation);
    for (const unit of units.slice(0, 100)) await post(`${url}/predict/churn`, row, { 'perennial-unit': unit });
    await close();
    const wanted = units.slice(0, 100).filter((unit) => assignArm({ salt: 's', share: 0.25 }, unit) === 'candidate').length;
    expect(sink.lastOf('candidate', generation)?.shadow?.compared).toBe(wanted);
    expect(wanted).toBeGreaterThan(5);
  });
});

test('the counters of a generation are told whole before the next is reported', async () => {
  const { candidate } = await twoVersions();
  const { url } = await world.serve({ overrides: { capture: captureIn(log, sink, 3_600_000) } });
  await untilReady(url);
  const rollout = await world.rollOut('churn', candidate.version as VersionNumber, { share: 1 });
  await untilReported(rollout.generation);
  for (let index = 0; index < 25; index += 1) await post(`${url}/predict/churn`, rowAt(index));
  // No timer comes within this test: only the change of generation tells them.
  expect(sink.lastOf('candidate', rollout.generation)).toBeUndefined();
  await untilReported(await rollout.end('rolled back'));
  expect(sink.lastOf('candidate', rollout.generation)).toMatchObject({
    requests: 25,
    units: 25,
    lastEventAt: expect.any(String),
  });
});
