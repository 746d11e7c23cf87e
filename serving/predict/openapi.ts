import type { RequestField } from '#domain/contracts/feature-set.ts';
import type { Serving } from '../model/serving.ts';
import { labelSchemas, labelsPath } from './labels-document.ts';
import { maxRows } from './rows.ts';

type JsonSchema = { readonly [key: string]: unknown };

/** Type of a field as a request carries it; both forms of an instant are taken. */
const typeOf = (field: RequestField): JsonSchema => {
  const range = {
    ...(field.min !== undefined && { minimum: field.min }),
    ...(field.max !== undefined && { maximum: field.max }),
  };
  if (field.type === 'integer' || field.type === 'number') return { type: field.type, ...range };
  if (field.type === 'boolean') return { type: 'boolean' };
  if (field.type === 'timestamp') return { type: ['string', 'integer'], format: 'date-time' };
  if (field.values === undefined) return { type: 'string' };
  return field.unknownValues === 'reject'
    ? { type: 'string', enum: field.values }
    : { type: 'string', examples: field.values.slice(0, 10) };
};

const nullable = (schema: JsonSchema): JsonSchema => {
  const types = [schema['type']].flat();
  const open = { ...schema, type: [...types, 'null'] };
  return Array.isArray(schema['enum']) ? { ...open, enum: [...schema['enum'], null] } : open;
};

const fieldSchema = (field: RequestField): JsonSchema => {
  const notes = [
    field.unit !== undefined && `In ${field.unit}.`,
    field.defaultsTo === 'now' && 'Absent: the instant of the request.',
    !field.required && field.defaultsTo === null && 'Null or absent: filled as in training.',
  ].filter((note) => note !== false);
  const schema = field.required && field.defaultsTo === null ? typeOf(field) : nullable(typeOf(field));
  return notes.length === 0 ? schema : { ...schema, description: notes.join(' ') };
};

const rowSchema = (fields: readonly RequestField[]): JsonSchema => ({
  type: 'object',
  properties: Object.fromEntries(fields.map((field) => [field.name, fieldSchema(field)])),
  required: fields.filter((field) => field.required && field.defaultsTo === null).map((field) => field.name),
  additionalProperties: false,
});

const answerSchema = ({ model, captured }: Serving): JsonSchema => {
  const { task, classes } = model.package;
  const isBoolean = task === 'binary' && classes.includes('true') && classes.includes('false');
  const label = isBoolean ? { type: 'boolean' } : { type: 'string', enum: classes };
  const probability = { type: 'number', minimum: 0, maximum: 1 };
  const properties = {
    prediction: task === 'regression' ? { type: 'number' } : label,
    ...(task !== 'regression' && { probability }),
    ...(task === 'multiclass' && {
      probabilities: { type: 'object', properties: Object.fromEntries(classes.map((name) => [name, probability])) },
    }),
    prediction_id: { type: 'string', format: 'uuid' },
    model_version: { type: 'integer', minimum: 1 },
    ...(captured < 1 && { captured: { type: 'boolean', description: 'Whether it was logged: a label finds only what was.' } }),
  };
  return { type: 'object', properties, required: Object.keys(properties) };
};

const json = (schema: JsonSchema): JsonSchema => ({ content: { 'application/json': { schema } } });
const ref = (name: string): JsonSchema => ({ $ref: `#/components/schemas/${name}` });
const text = (description: string): JsonSchema => ({ description, schema: { type: 'string' } });
const refused = (description: string): JsonSchema => ({ description, ...json(ref('Error')) });

const unitParameter: JsonSchema = {
  name: 'perennial-unit',
  in: 'header',
  required: false,
  description: 'Who stays with one model while two are compared, such as a customer; where the row itself does not say it.',
  schema: { type: 'string' },
};

const answeredBy = ({ version, model, rollout }: Omit<Serving, 'pipeline'>): string => {
  const champion = `Answered now by version ${version}, model ${model.modelSha256}.`;
  if (rollout === null || rollout.strategy === 'shadow') return champion;
  const { candidate, share } = rollout;
  return `${champion} A share of ${share} is answered by version ${candidate.version}, model ${candidate.model.modelSha256}.`;
};

const predictPath = ({ pipeline, ...serving }: Serving): JsonSchema => ({
  post: {
    operationId: `predict-${pipeline}`,
    summary: `Predict with "${pipeline}"`,
    description: answeredBy(serving),
    parameters: [unitParameter],
    requestBody: {
      required: true,
      ...json({
        oneOf: [
          ref(`${pipeline}.row`),
          {
            type: 'object',
            properties: { rows: { type: 'array', items: ref(`${pipeline}.row`), minItems: 1, maxItems: maxRows } },
            required: ['rows'],
            additionalProperties: false,
          },
        ],
      }),
    },
    responses: {
      200: {
        description: 'The answer, or one for each row',
        headers: {
          'perennial-model-digest': text('SHA-256 of the model package that answered (the first row)'),
          'perennial-prediction-id': text('Id of the (first) prediction'),
        },
        ...json({
          oneOf: [
            ref(`${pipeline}.answer`),
            {
              type: 'object',
              properties: {
                predictions: { type: 'array', items: ref(`${pipeline}.answer`) },
                model_version: { type: 'integer' },
              },
              required: ['predictions', 'model_version'],
            },
          ],
        }),
      },
      400: refused('The body is not JSON'),
      404: refused('No model is served under this name'),
      422: refused("The row does not fit the model's fields; `problems` names each"),
      500: refused('The model gave no usable answer'),
      503: refused('The server has too much to do: ask again after Retry-After'),
    },
  },
});

const plainPath = (summary: string, statuses: Readonly<Record<string, string>>): JsonSchema => ({
  get: {
    summary,
    responses: Object.fromEntries(Object.entries(statuses).map(([status, description]) => [status, { description }])),
  },
});

const errorSchema: JsonSchema = {
  type: 'object',
  properties: {
    error: {
      type: 'object',
      properties: {
        code: { type: 'string' },
        message: { type: 'string' },
        problems: {
          type: 'array',
          items: { type: 'object', properties: { field: { type: 'string' }, message: { type: 'string' } } },
        },
      },
      required: ['code', 'message'],
    },
  },
  required: ['error'],
};

/** The document of the routes as they are at this moment: each pipeline's row is that of the model that serves it. */
export const predictDocument = (served: readonly Serving[]): JsonSchema => ({
  openapi: '3.1.0',
  info: {
    title: 'Perennial predictions',
    version: '1',
    description: 'The schemas follow the models: fetch again after a promotion.',
  },
  paths: {
    ...Object.fromEntries(
      served.flatMap((serving) => [
        [`/predict/${serving.pipeline}`, predictPath(serving)],
        [`/labels/${serving.pipeline}`, labelsPath(serving.pipeline)],
      ]),
    ),
    '/v2/health/live': plainPath('Is the process alive?', { 200: 'It is' }),
    '/v2/health/ready': plainPath('Is a model in memory for every deployed pipeline?', {
      200: 'Yes',
      503: 'Not yet; `reasons` says why',
    }),
    '/metrics': plainPath('Metrics in the Prometheus text format', { 200: 'Metrics' }),
  },
  components: {
    schemas: {
      Error: errorSchema,
      ...labelSchemas,
      ...Object.fromEntries(
        served.flatMap((serving) => [
          [`${serving.pipeline}.row`, rowSchema(serving.model.featureSet.request)],
          [`${serving.pipeline}.answer`, answerSchema(serving)],
        ]),
      ),
    },
  },
});
