/** Ways in for what happens outside. Answered 202 once the delivery is a row in PostgreSQL; Temporal hears of it from there. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { pipelineNameSchema } from '#domain/contracts/ids.ts';
import { PerennialError } from '#domain/errors.ts';
import type { PipelineName } from '#domain/units.ts';
import type { Config } from '../../../infra/config.ts';
import { sha256Of } from '../../../infra/objects/digest.ts';
import type { Acceptance, Webhooks } from '../../../infra/postgres/webhooks.ts';
import type { Metrics } from '../../../infra/telemetry/metrics.ts';
import { readAlertmanager } from '../../../infra/webhooks/alertmanager.ts';
import { carriesToken } from '../../../infra/webhooks/bearer.ts';
import type { DeliverySource, ReadDelivery } from '../../../infra/webhooks/delivery.ts';
import { readEvent } from '../../../infra/webhooks/event.ts';
import { readGrafana } from '../../../infra/webhooks/grafana.ts';
import { headersFault, type SignedHeaders, signatureFault } from '../../../infra/webhooks/signature.ts';

export type WebhookDeps = {
  readonly webhooks: Pick<Webhooks, 'accept'>;
  readonly metrics: Metrics;
  readonly senders: Config['webhooks'];
  readonly clock: () => number;
  /** Told after a row was committed, so that it need not wait for the next look. */
  readonly onAccepted: () => void;
};

/** Thousands of alerts fit; what is larger is no notification. */
const bodyLimitBytes = 262_144;

const closed = (variable: string): PerennialError =>
  new PerennialError('PRN_HTTP_REFUSED', `Cannot take webhooks as no sender is known: set ${variable} where the server runs`);
const unauthorized = (why: string): PerennialError =>
  new PerennialError('PRN_HTTP_UNAUTHORIZED', `Cannot take webhook as ${why}`);

const requireToken =
  ({ senders }: WebhookDeps) =>
  async ({ headers }: FastifyRequest): Promise<void> => {
    if (senders.tokens.length === 0) throw closed('PERENNIAL_WEBHOOK_TOKENS');
    if (!carriesToken(headers.authorization, senders.tokens)) throw unauthorized('it has no bearer token that is known');
  };

const headerOf = ({ headers }: FastifyRequest, name: string): string => {
  const value = headers[name];
  if (typeof value !== 'string' || value === '') throw unauthorized(`it has no header ${name}`);
  return value;
};

const signedHeaders = (request: FastifyRequest): SignedHeaders => ({
  id: headerOf(request, 'webhook-id'),
  timestamp: headerOf(request, 'webhook-timestamp'),
  signature: headerOf(request, 'webhook-signature'),
});

/** What can be known before the body is read. */
const requireFresh =
  ({ senders, clock }: WebhookDeps) =>
  async (request: FastifyRequest): Promise<void> => {
    if (senders.keys.length === 0) throw closed('PERENNIAL_WEBHOOK_SECRETS');
    const fault = headersFault(signedHeaders(request), clock());
    if (fault !== null) throw unauthorized(`its signature is ${fault}`);
  };

/** The signature is of the bytes as they came, so they are checked before anything reads them. */
const verifiedEvent = ({ senders }: WebhookDeps, request: FastifyRequest): ReadDelivery => {
  const headers = signedHeaders(request);
  const fault = signatureFault(headers, bytesOf(request), senders.keys);
  if (fault !== null) throw unauthorized(`it is ${fault}`);
  return { deliveryId: headers.id, arrival: readEvent(bytesOf(request)) };
};

const bytesOf = ({ body }: FastifyRequest): Buffer => (Buffer.isBuffer(body) ? body : Buffer.alloc(0));

const unknownPipeline = (asked: string): PerennialError =>
  new PerennialError('PRN_NOT_FOUND', `Cannot take webhook for "${asked}": no such pipeline is applied; see GET /api/pipelines`);

const namedPipeline = (request: FastifyRequest): PipelineName => {
  const { pipeline } = request.params as { pipeline: string };
  const name = pipelineNameSchema.safeParse(pipeline);
  if (!name.success) throw unknownPipeline(pipeline);
  return name.data;
};

/** The id of an alert's notification is made from what it says of its group: its texts may differ each time. */
const outcomeOf = (source: DeliverySource, acceptance: Acceptance): 'accepted' | 'repeated' | 'refused' | 'unknown pipeline' => {
  if (acceptance !== 'other content') return acceptance;
  return source === 'events' ? 'refused' : 'repeated';
};

type Read = (pipeline: PipelineName, request: FastifyRequest) => ReadDelivery;

const take = async (deps: WebhookDeps, source: DeliverySource, read: Read, request: FastifyRequest, reply: FastifyReply) => {
  const pipeline = namedPipeline(request);
  const { deliveryId, arrival } = read(pipeline, request);
  const bodySha256 = sha256Of(bytesOf(request));
  const outcome = outcomeOf(source, await deps.webhooks.accept({ source, deliveryId, pipeline, bodySha256, arrival }));
  if (outcome === 'unknown pipeline') throw unknownPipeline(pipeline);
  if (outcome === 'refused') {
    throw new PerennialError('PRN_CONFLICT', `Cannot take webhook "${deliveryId}" as it came before with other content`);
  }
  deps.metrics.count('perennial_webhook_deliveries_total', { source, outcome });
  if (outcome === 'accepted') deps.onAccepted();
  return reply.code(202).send({ id: deliveryId, pipeline, repeated: outcome === 'repeated' });
};

const refusals: Readonly<Record<number, string>> = {
  401: 'unauthorized',
  403: 'closed',
  404: 'unknown pipeline',
  409: 'other content',
  413: 'too large',
};

/** Counts what was refused, also before a handler saw it. */
const countRefusal =
  ({ metrics }: WebhookDeps, source: DeliverySource) =>
  async (_request: FastifyRequest, { statusCode }: FastifyReply): Promise<void> => {
    if (statusCode === 202) return;
    const outcome = statusCode >= 500 ? 'failed' : (refusals[statusCode] ?? 'wrong shape');
    metrics.count('perennial_webhook_deliveries_total', { source, outcome });
  };

const answerSchema = z.object({
  id: z.string().describe('The same id again is the same delivery'),
  pipeline: pipelineNameSchema,
  repeated: z.boolean().describe('It was known: nothing more was done'),
});

export const webhookRoutes =
  (deps: WebhookDeps): FastifyPluginAsyncZod =>
  async (app) => {
    app.removeAllContentTypeParsers();
    app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
    const route = (source: DeliverySource, summary: string, guard: (request: FastifyRequest) => Promise<void>, read: Read) =>
      app.route({
        method: 'POST',
        url: `/webhooks/${source}/:pipeline`,
        bodyLimit: bodyLimitBytes,
        schema: { summary, response: { 202: answerSchema } },
        onRequest: guard,
        onResponse: countRefusal(deps, source),
        handler: (request, reply) => take(deps, source, read, request, reply),
      });
    const byToken = requireToken(deps);
    route('alertmanager', 'A notification of Alertmanager (version 4), with a bearer token', byToken, (pipeline, request) =>
      readAlertmanager(pipeline, bytesOf(request)),
    );
    route('grafana', 'A notification of Grafana Alerting, with a bearer token', byToken, (pipeline, request) =>
      readGrafana(pipeline, bytesOf(request)),
    );
    route('events', 'What happened, signed as Standard Webhooks', requireFresh(deps), (_pipeline, request) =>
      verifiedEvent(deps, request),
    );
  };
