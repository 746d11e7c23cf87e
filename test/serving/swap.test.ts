import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { PipelineName, Sha256 } from '../../workflows/domain/units.ts';
import { startBreakableProxy } from './support/breakable-proxy.ts';
import { get, post, until, untilReady, untilVersion } from './support/http.ts';
import { quantile, type Reply, startLoad } from './support/load.ts';
import { churnProbability, storeTinyModel } from './support/models.ts';
import { startServeProcess } from './support/serve-process.ts';
import { createWorld, type World } from './support/world.ts';

let world: World;
beforeEach(async () => {
  world = await createWorld();
});
afterEach(() => world.close());

const churn = 'churn' as PipelineName;
const row = { tenure: 5, contract: 'monthly', charges: 70.5 };
const rowAt = (index: number) => ({ ...row, tenure: index % 100 });

/** An answer must come from the model whose digest and version it names. */
const judgeBy =
  (models: ReadonlyMap<string, { readonly bias: number; readonly version: number }>) =>
  ({ status, digest, body }: Reply, index: number): string | null => {
    const model = models.get(digest ?? '');
    if (status !== 200 || model === undefined) return `status ${status}, digest ${digest}: ${JSON.stringify(body)}`;
    const wanted = churnProbability(model.bias, rowAt(index));
    if (Math.abs(body.probability - wanted) > 1e-5) return `${body.probability} is not ${wanted} of model ${digest}`;
    return body.model_version === model.version ? null : `version ${body.model_version} is not ${model.version}`;
  };

/** The state that the servers themselves report. */
const reported = async (generation: number) => {
  const reports = await world.deployments.serverReports(churn, 10_000);
  return reports.find((report) => report.generation === generation) ?? null;
};
const untilServing = (generation: number) =>
  until(`generation ${generation} is reported as serving`, async () => (await reported(generation))?.state === 'serving');

describe('a change of champion', () => {
  test('fails no request over 20 swaps under load, and every answer is of the model that it names', async () => {
    const first = await world.deploy({ pipeline: 'churn', bias: -1 });
    const secondSha256 = await storeTinyModel(world.store.content, { pipeline: 'churn', bias: 1 });
    const second = await world.register('churn', secondSha256);
    const { url } = await startServeProcess(world);
    await untilReady(url);
    const models = new Map([
      [first.modelSha256 as string, { bias: -1, version: first.version as number }],
      [secondSha256 as string, { bias: 1, version: second as number }],
    ]);
    const seen = new Map<string, number>();
    const judge = judgeBy(models);
    const load = startLoad(`${url}/predict/churn`, 8, rowAt, (reply, index) => {
      seen.set(reply.digest ?? '', (seen.get(reply.digest ?? '') ?? 0) + 1);
      return judge(reply, index);
    });
    for (let swap = 0; swap < 20; swap += 1) {
      const before = load.sent();
      await untilServing(await world.promote('churn', swap % 2 === 0 ? second : first.version));
      await until('requests were answered after the swap', async () => load.sent() > before + 100);
    }
    const { sent, failures, latenciesMs } = await load.stop();
    console.log(
      `20 swaps: ${sent} requests, ${failures.length} failed, p50 ${quantile(latenciesMs, 0.5).toFixed(2)} ms, ` +
        `p99 ${quantile(latenciesMs, 0.99).toFixed(2)} ms, longest ${quantile(latenciesMs, 1).toFixed(1)} ms`,
    );
    expect(failures.slice(0, 3)).toEqual([]);
    expect(sent).toBeGreaterThan(2_000);
    expect([...seen.keys()].toSorted()).toEqual([...models.keys()].toSorted());
  });

  test.each([
    [
      'answers its golden rows otherwise',
      async () => storeTinyModel(world.store.content, { pipeline: 'churn', bias: 3, goldenOff: 0.2 }),
      /golden row/,
    ],
    [
      'was made for another pipeline',
      async () => storeTinyModel(world.store.content, { pipeline: 'other', bias: 3 }),
      /its package is for "other"/,
    ],
    [
      'answers more numbers than its classes',
      async () => storeTinyModel(world.store.content, { pipeline: 'churn', bias: 3, task: 'multiclass', classes: ['a', 'b'] }),
      /answers 3 numbers/,
    ],
  ])('keeps the old model when the new one %s', async (_, store, reason) => {
    const old = await world.deploy({ pipeline: 'churn', bias: -1 });
    const { url, metrics } = await world.serve();
    await untilReady(url);
    const generation = await world.promote('churn', await world.register('churn', await store()));
    await until('the new model is refused', async () => (await reported(generation))?.state === 'refused');
    expect(await reported(generation)).toMatchObject({ modelSha256: old.modelSha256, reason: expect.stringMatching(reason) });
    expect((await post(`${url}/predict/churn`, row)).body.model_version).toBe(old.version);
    expect((await get(`${url}/v2/health/ready`)).status).toBe(200);
    expect((await metrics.exposition()).text).toMatch(
      /perennial_model_load_failures_total\{pipeline="churn",code="PRN_MODEL_REFUSED"\} [1-9]/,
    );

    const good = await world.deploy({ pipeline: 'churn', bias: 2 });
    await untilServing(good.generation);
    expect((await post(`${url}/predict/churn`, row)).body.model_version).toBe(good.version);
  });

  test('keeps the old model when a stored object was damaged, and takes the new one once it is mended', async () => {
    const old = await world.deploy({ pipeline: 'churn', bias: -1 });
    const { url } = await world.serve();
    await untilReady(url);
    const sha256 = await storeTinyModel(world.store.content, { pipeline: 'churn', bias: 2 });
    const { onnx } = (await world.store.content.getJson(sha256)) as { onnx: { sha256: Sha256 } };
    const bytes = await world.store.content.getBytes(onnx.sha256);
    const mend = await damage(onnx.sha256, bytes);
    const version = await world.register('churn', sha256);
    const generation = await world.promote('churn', version);
    await until('the damaged model is refused', async () => (await reported(generation))?.state === 'refused');
    expect((await reported(generation))?.reason).toContain(onnx.sha256);
    expect((await post(`${url}/predict/churn`, row)).body.model_version).toBe(old.version);
    await mend();
    await untilVersion(url, 'churn', version);
  });

  test('is asked again, not given up, while the first model is not in memory yet', async () => {
    const sha256 = await storeTinyModel(world.store.content, { pipeline: 'churn', bias: 2 });
    const { onnx } = (await world.store.content.getJson(sha256)) as { onnx: { sha256: Sha256 } };
    const mend = await damage(onnx.sha256, await world.store.content.getBytes(onnx.sha256));
    const version = await world.register('churn', sha256);
    const generation = await world.promote('churn', version);
    const { url } = await world.serve();
    await until('the damaged model is refused', async () => (await reported(generation))?.state === 'refused');
    for (const path of ['/predict/churn', '/predict']) {
      const { status, body } = await post(`${url}${path}`, row);
      expect({ status, code: body.error.code }).toEqual({ status: 503, code: 'PRN_SERVING_STARTING' });
    }
    expect((await post(`${url}/predict/nobody`, row)).status).toBe(404);
    await mend();
    await untilVersion(url, 'churn', version);
  });

  test('to none takes the model away, and a lower generation is refused', async () => {
    const old = await world.deploy({ pipeline: 'churn', bias: -1 });
    const { url } = await world.serve();
    await untilReady(url);
    await untilServing(await world.promote('churn', null));
    expect((await post(`${url}/predict/churn`, row)).status).toBe(404);
    expect((await get(`${url}/v2/health/ready`)).status).toBe(200);
    const newer = await world.deploy({ pipeline: 'churn', bias: 2 });
    await untilVersion(url, 'churn', newer.version);
    // As after a restore of the database from an older backup.
    await world.db
      .updateTable('deployments')
      .set({ generation: 1, champion_version: old.version, model_sha256: old.modelSha256 })
      .execute();
    await until('the server has looked again', async () =>
      (await get(`${url}/metrics`)).body.includes('perennial_generations_refused_total{pipeline="churn"}'),
    );
    expect((await post(`${url}/predict/churn`, row)).body.model_version).toBe(newer.version);
  });
});

const damage = async (sha256: Sha256, bytes: Buffer): Promise<() => Promise<void>> => {
  const { chmod, rm, writeFile } = await import('node:fs/promises');
  const { objectKeys } = await import('../../infra/objects/keys.ts');
  const path = world.store.store.localPath(objectKeys.content(sha256)) as string;
  const damaged = Buffer.from(bytes);
  damaged[damaged.length >> 1] = (damaged[damaged.length >> 1] as number) ^ 1;
  const write = async (content: Buffer): Promise<void> => {
    await rm(path);
    await writeFile(path, content);
    await chmod(path, 0o444);
  };
  await write(damaged);
  return () => write(bytes);
};

describe('without its database', () => {
  test.each(['cut', 'freeze'] as const)(
    'keeps answering when it is gone (%s), and follows again when it is back',
    async (how) => {
      const proxy = await startBreakableProxy(world.databaseUrl);
      world.onClose(proxy.close);
      const old = await world.deploy({ pipeline: 'churn', bias: -1 });
      const { url } = await world.serve({ url: proxy.url });
      await untilReady(url);
      const judge = judgeBy(new Map([[old.modelSha256 as string, { bias: -1, version: old.version as number }]]));
      proxy[how]();
      const load = startLoad(`${url}/predict/churn`, 4, rowAt, judge);
      await until('the server has noticed', async () => {
        const text = (await get(`${url}/metrics`)).body as string;
        return Number(/^perennial_deployments_unreachable_seconds (.*)$/m.exec(text)?.[1]) > 0;
      });
      const newer = await world.deploy({ pipeline: 'churn', bias: 2 });
      const { sent, failures } = await load.stop();
      expect(failures.slice(0, 3)).toEqual([]);
      expect(sent).toBeGreaterThan(100);
      expect((await get(`${url}/v2/health/ready`)).status).toBe(200);
      proxy.mend();
      await untilVersion(url, 'churn', newer.version);
    },
  );

  test('starts, says that it is not ready, and becomes ready when the database comes', async () => {
    const proxy = await startBreakableProxy(world.databaseUrl);
    world.onClose(proxy.close);
    proxy.cut();
    const { version } = await world.deploy({ pipeline: 'churn', bias: -1 });
    const { url } = await world.serve({ url: proxy.url });
    expect(await get(`${url}/v2/health/live`)).toMatchObject({ status: 200 });
    expect(await get(`${url}/v2/health/ready`)).toMatchObject({ status: 503, body: { ready: false } });
    proxy.mend();
    await untilReady(url);
    expect((await post(`${url}/predict`, row)).body.model_version).toBe(version);
  });
});

describe('a server process', () => {
  test('that was killed converges when it is started again', async () => {
    await world.deploy({ pipeline: 'churn', bias: -1 });
    const killed = await startServeProcess(world);
    await untilReady(killed.url);
    await killed.end('SIGKILL');
    const newer = await world.deploy({ pipeline: 'churn', bias: 2 });
    const again = await startServeProcess(world, { port: Number(new URL(killed.url).port) });
    await untilReady(again.url);
    await untilServing(newer.generation);
    expect((await world.deployments.serverReports(churn, 60_000)).map((report) => report.generation)).toEqual([newer.generation]);
    expect((await post(`${again.url}/predict/churn`, row)).body).toMatchObject({
      model_version: newer.version,
      probability: expect.closeTo(churnProbability(2, row), 5),
    });
  });

  test('answers what is under way when it is told to stop, ends with 0 and takes its report back', async () => {
    const { modelSha256, version, generation } = await world.deploy({ pipeline: 'churn', bias: -1 });
    const server = await startServeProcess(world);
    await untilReady(server.url);
    await untilServing(generation);
    const judge = judgeBy(new Map([[modelSha256 as string, { bias: -1, version: version as number }]]));
    const wrong: string[] = [];
    let answered = 0;
    let refused = 0;
    const load = startLoad(`${server.url}/predict/churn`, 4, rowAt, (reply, index) => {
      // After the word to stop a kept connection may get a last 503 with "ask again".
      if (reply.status === 503) refused += 1;
      else answered += 1;
      const problem = reply.status === 503 ? null : judge(reply, index);
      if (problem !== null) wrong.push(problem);
      return null;
    });
    await until('requests are under way', async () => answered > 200);
    const ended = server.end('SIGTERM');
    const code = await ended;
    const { failures } = await load.stop();
    expect(code).toBe(0);
    expect(wrong).toEqual([]);
    // A kept connection that was idle when the server closed it: its next request is what hangs up, before anyone read it.
    expect(failures.filter((failure) => !/ECONNREFUSED|ECONNRESET|socket hang up/.test(failure))).toEqual([]);
    expect(await world.deployments.serverReports(churn, 60_000)).toEqual([]);
    expect(refused).toBeLessThan(100);
  });
});
