import type { FastifyInstance } from 'fastify';
import { PerennialError } from '#domain/errors.ts';

/** Rows are flat and tensors have a handful of dimensions; what is deeper only wants to exhaust the stack. */
const maxDepth = 32;

/** Takes JSON and nothing else. Refuses poisoned prototypes, and nesting before anything recursive sees it. */
export const useJsonBody = (app: FastifyInstance): void => {
  const parse = app.getDefaultJsonParser('error', 'error');
  app.removeAllContentTypeParsers();
  app.addContentTypeParser<string>('application/json', { parseAs: 'string' }, (request, body, done) => {
    if (isDeep(body)) {
      done(new PerennialError('PRN_INPUT_INVALID', `Cannot read body as it may be nested ${maxDepth} deep: it is deeper`));
      return;
    }
    // It answers through `done`.
    void parse(request, body, done);
  });
};

const quote = 0x22;
const backslash = 0x5c;
const opens: ReadonlySet<number> = new Set([0x5b, 0x7b]);
const closes: ReadonlySet<number> = new Set([0x5d, 0x7d]);

const isDeep = (text: string): boolean => {
  let depth = 0;
  let inText = false;
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    if (inText) {
      if (code === backslash) index += 1;
      else if (code === quote) inText = false;
    } else if (code === quote) inText = true;
    else if (opens.has(code)) {
      depth += 1;
      if (depth > maxDepth) return true;
    } else if (closes.has(code)) depth -= 1;
  }
  return false;
};
