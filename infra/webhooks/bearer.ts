import { createHash, timingSafeEqual } from 'node:crypto';

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

/** Whether a header `authorization` carries one of the tokens. Digests are compared: neither length nor place of a difference shows. */
export const carriesToken = (header: string | undefined, tokens: readonly string[]): boolean => {
  const given = digest(/^Bearer +(\S+) *$/i.exec(header ?? '')?.[1] ?? '');
  let found = false;
  for (const token of tokens) found = timingSafeEqual(given, digest(token)) || found;
  return found;
};
