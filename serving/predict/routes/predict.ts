import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { ArmName } from '#domain/contracts/capture.ts';
import { PerennialError } from '#domain/errors.ts';
import type { ModelLoader } from '../../model/loader.ts';
import type { ServedVersion, Serving } from '../../model/serving.ts';
import { describeError, routeOf } from '../../plugins/errors.ts';
import { usePressure } from '../../plugins/pressure.ts';
import { dealBlind } from '../deal.ts';
import type { PredictDeps } from '../deps.ts';
import { dealRequest, firstPortion, predictDealt } from '../predict.ts';
import { createPredictionId } from '../prediction-id.ts';
import type { Dealt } from '../rows.ts';

/** Who answers a request, for its metrics and its record; known once its rows are dealt. */
type Taken = { readonly serving: Serving; readonly arm: ArmName | null; readonly version: ServedVersion };
const takenBy = new WeakMap<FastifyRequest, Taken>();

/**
 * POST /predict/:pipeline, and POST /predict while exactly one pipeline is served. The body is one row, or
 * `{ "rows": [...] }`. Every answer names its model by version, digest and generation. In a rollout the header
 * `perennial-unit` names who stays with an arm, where the row itself does not.
 */
export const predictRoutes = async (app: FastifyInstance, deps: PredictDeps): Promise<void> => {
  await usePressure(app, deps.metrics, deps.pressure);
  countRequests(app, deps);
  recordRefusals(app, deps);
  const answer = async (serving: Serving, request: FastifyRequest, reply: FastifyReply) => {
    takenBy.set(request, { serving, arm: null, version: serving });
    const dealt = dealRequest(serving, request.body, unitHeader(request));
    const { arm, version } = firstPortion(dealt);
    takenBy.set(request, { serving, arm, version });
    reply.header('perennial-model-digest', version.model.modelSha256);
    reply.header('perennial-model-generation', String(serving.generation));
    const body = await answerDealt(deps, dealt, request, reply);
    reply.header('perennial-prediction-id', dealt.ids[0]);
    return reply.send(body);
  };
  app.post<{ Params: { pipeline: string } }>('/predict/:pipeline', (request, reply) =>
    answer(servingOf(deps.loader, request.params.pipeline), request, reply),
  );
  app.post('/predict', (request, reply) => answer(onlyServing(deps.loader), request, reply));
};

const unitHeader = (request: FastifyRequest): string | null => {
  const value = request.headers['perennial-unit'];
  return typeof value === 'string' && value !== '' ? value : null;
};

/** Answers, and counts the request for each arm that has rows of it, however it ends. */
const answerDealt = async (deps: PredictDeps, dealt: Dealt, request: FastifyRequest, reply: FastifyReply) => {
  const capture = deps.capture();
  const arms = dealt.portions.map(({ arm, units }) => ({ counters: capture.arm(dealt.serving, arm).counters, units }));
  for (const { counters, units } of arms) counters.begin(units);
  try {
    const { body, answers } = await predictDealt({ loader: deps.loader, metrics: deps.metrics, capture }, dealt);
    for (const { counters } of arms) counters.took(reply.elapsedTime / 1000);
    deps.shadow.offer(dealt, answers);
    return body;
  } finally {
    for (const { counters } of arms) {
      // Its client gave up: whatever is sent now came too late.
      if (request.raw.socket.destroyed) counters.event('timeouts');
      counters.end();
    }
  }
};

/** Who is told that there is no such model gives up; who is told to ask again does. */
const starting = (what: string): PerennialError =>
  new PerennialError('PRN_SERVING_STARTING', `Cannot answer ${what} as this server has just started and loads its models`);

export const servingOf = (loader: ModelLoader, pipeline: string): Serving => {
  const serving = loader.current(pipeline);
  if (serving !== null) return serving;
  if (loader.isAwaited(pipeline)) throw starting(`for pipeline "${pipeline.slice(0, 80)}"`);
  const served = loader.serving().map((each) => `"${each.pipeline}"`);
  const hint = served.length === 0 ? 'none is served yet' : `served are ${served.join(', ')}`;
  throw new PerennialError(
    'PRN_SERVING_NO_MODEL',
    `Cannot answer for pipeline "${pipeline.slice(0, 80)}" as no model serves it: ${hint}`,
  );
};

const onlyServing = (loader: ModelLoader): Serving => {
  const served = loader.serving();
  if (served.length === 1) return served[0] as Serving;
  if (served.length === 0 && loader.notReady().length > 0) throw starting('yet');
  const names = served.map(({ pipeline }) => `/predict/${pipeline}`);
  const what = served.length === 0 ? 'none is served yet' : `use one of ${names.join(', ')}`;
  throw new PerennialError(
    'PRN_SERVING_NO_MODEL',
    `Cannot choose the pipeline of POST /predict as exactly one should be served, and ${served.length} are: ${what}`,
  );
};

const countRequests = (app: FastifyInstance, { metrics }: PredictDeps): void => {
  app.addHook('onResponse', (request, reply, done) => {
    const taken = takenBy.get(request);
    const labels = {
      route: routeOf(request),
      pipeline: taken?.serving.pipeline ?? '',
      version: taken?.version.version ?? '',
      status: reply.statusCode,
    };
    metrics.count('perennial_serving_requests_total', labels);
    metrics.observe('perennial_serving_latency_seconds', labels, reply.elapsedTime / 1000);
    done();
  });
};

/** Every request that a pipeline did not answer is logged, before its client is told. */
const recordRefusals = (app: FastifyInstance, deps: PredictDeps): void => {
  app.addHook('onError', async (request, _reply, error) => {
    const taken = takenBy.get(request) ?? takeBlind(deps, request, error);
    if (taken === null) return;
    const { status, body } = describeError(error, request.routeOptions.bodyLimit);
    const { pipeline, generation } = taken.serving;
    const capture = deps.capture();
    const [id, atMs] = [createPredictionId(), Date.now()];
    const { code, message } = body.error;
    capture.refused({ id, pipeline, generation, arm: taken.arm, atMs, status, code, message });
    await capture.written();
  });
};

/**
 * A request that ended before its rows were read: nobody was asked yet. One that was shed still counts for an arm, as a
 * candidate that makes a server slow is what makes it shed: for the arm that its header, or the lot of the prediction that
 * it would have been, stands for. Both arms shed in proportion to their share, so the split stays as it was set.
 */
const takeBlind = (deps: PredictDeps, request: FastifyRequest, error: Error): Taken | null => {
  const { pipeline } = (request.params ?? {}) as { readonly pipeline?: string };
  const served = deps.loader.serving();
  const serving = pipeline === undefined ? (served.length === 1 ? served[0] : null) : deps.loader.current(pipeline);
  if (serving === null || serving === undefined) return null;
  if (!(error instanceof PerennialError) || error.code !== 'PRN_SERVING_OVERLOADED') {
    return { serving, arm: null, version: serving };
  }
  const { rollout } = serving;
  const dealt = rollout === null ? blindChampion : dealBlind(rollout, unitHeader(request), createPredictionId());
  const { counters } = deps.capture().arm(serving, dealt.arm);
  counters.begin(dealt.isUnit ? ownUnit : []);
  counters.event('shed');
  counters.end();
  return { serving, arm: dealt.arm, version: dealt.arm === 'champion' ? serving : (rollout?.candidate ?? serving) };
};
const blindChampion = { arm: 'champion', isUnit: true } as const;
const ownUnit = [null];
