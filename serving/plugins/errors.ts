import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { type ErrorCode, errorRegistry, PerennialError } from '#domain/errors.ts';

export type Problem = { readonly field: string; readonly message: string };
/** The one form of every error answer. */
export type ErrorBody = {
  readonly error: { readonly code: ErrorCode; readonly message: string; readonly problems?: readonly Problem[] };
};

export const errorBody = (code: ErrorCode, message: string, problems?: readonly Problem[]): ErrorBody => ({
  error: problems === undefined ? { code, message } : { code, message, problems },
});

type Described = { readonly status: number; readonly body: ErrorBody };

/** Answers every error from the registry; what we did not foresee is logged and answered without its details. */
export const useErrors = (app: FastifyInstance): void => {
  app.setErrorHandler((error: FastifyError, request, reply) => {
    const described = describeError(error, request.routeOptions.bodyLimit);
    if (described.status >= 500) request.log.error({ err: error }, 'Cannot answer request');
    if (error.statusCode === 503 || described.status === 503) retryLater(reply);
    return reply.code(described.status).send(described.body);
  });
  app.setNotFoundHandler((request, reply) => {
    const message = `Cannot ${request.method} "${request.url.split('?')[0]}" as there is no such route: see GET /`;
    return reply.code(404).send(errorBody('PRN_NOT_FOUND', message));
  });
};

/** One second: long enough for a burst to pass, short enough that a client notices no more than a hiccup. */
const retryLater = (reply: FastifyReply): void => {
  if (!reply.hasHeader('retry-after')) reply.header('retry-after', '1');
};

/** Status and body that an error is answered with. */
export const describeError = (error: FastifyError, bodyLimit: number | undefined): Described => {
  if (error instanceof PerennialError) return describeOwn(error);
  if (error.code === 'FST_ERR_CTP_BODY_TOO_LARGE') return describeTooLarge(bodyLimit);
  const code = frameworkCodes[error.code];
  if (code !== undefined) return { status: code.status, body: errorBody(code.code, code.message) };
  if (error.validation !== undefined) return describeValidation(error);
  const status = error.statusCode ?? 500;
  if (status === 503) return { status, body: errorBody('PRN_SERVING_OVERLOADED', 'Cannot answer as the server is stopping') };
  if (status < 500) return { status, body: errorBody('PRN_INPUT_INVALID', `Cannot read request: ${error.message}`) };
  return {
    status: 500,
    body: errorBody('PRN_INTERNAL', 'Cannot answer as something unforeseen happened: see the log of the server'),
  };
};

const describeTooLarge = (bodyLimit = 0): Described => {
  const most = bodyLimit >= 1_048_576 ? `${bodyLimit / 1_048_576} MiB` : `${bodyLimit / 1_024} KiB`;
  return { status: 413, body: errorBody('PRN_INPUT_INVALID', `Cannot read body: should be at most ${most}`) };
};

const describeOwn = (error: PerennialError): Described => {
  const problems = error.details['problems'] as readonly Problem[] | undefined;
  return { status: errorRegistry[error.code].status, body: errorBody(error.code, error.message, problems) };
};

const describeValidation = (error: FastifyError): Described => {
  const problems = (error.validation ?? []).map(({ instancePath, message }) => ({
    field: instancePath.replace(/^\//, '').replaceAll('/', '.'),
    message: message ?? 'is wrong',
  }));
  const named = problems.map(({ field, message }) => `"${field}" ${message}`).join('; ');
  return {
    status: 400,
    body: errorBody('PRN_INPUT_INVALID', `Cannot use ${error.validationContext ?? 'request'}: ${named}`, problems),
  };
};

const invalid = (status: number, message: string) => ({ status, code: 'PRN_INPUT_INVALID' as const, message });
const notJson = 'Cannot read body: should be a JSON object (and without the keys "__proto__" and "constructor.prototype")';
const frameworkCodes: Readonly<Record<string, { status: number; code: ErrorCode; message: string } | undefined>> = {
  FST_ERR_CTP_INVALID_MEDIA_TYPE: invalid(415, 'Cannot read body: content-type should be "application/json"'),
  FST_ERR_CTP_EMPTY_JSON_BODY: invalid(400, 'Cannot read body: it is empty, and should be a JSON object'),
  FST_ERR_CTP_INVALID_JSON_BODY: invalid(400, notJson),
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: invalid(400, 'Cannot read body: its length should be what Content-Length says'),
};

/** The path a request took, for what is said about it: the route as declared, never the address itself. */
export const routeOf = (request: FastifyRequest): string => request.routeOptions.url ?? 'unknown';
