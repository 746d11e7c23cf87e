/** Signatures of webhooks, in and out, as Standard Webhooks has them: HMAC-SHA256 over id, time and the bytes of the body. */
import { createHmac, timingSafeEqual } from 'node:crypto';

/** A client's clock may be off and a queue may hold a request; who records one has so long to play it again. */
export const toleranceSeconds = 300;

export type SignedHeaders = { readonly id: string; readonly timestamp: string; readonly signature: string };
export type SignatureFault = 'too old' | 'in the future' | 'not signed with a secret that is known' | 'of a wrong form';

/** No dot: it is what separates id, time and body under the signature. */
const idForm = /^[\x21-\x2d\x2f-\x7e]{1,256}$/;
const secondsForm = /^\d{1,12}$/;

/** Bytes of "whsec_<base64>"; null where it is not of that form or holds less than the 24 bytes that are asked for. */
export const secretBytes = (secret: string): Buffer | null => {
  const match = /^whsec_([A-Za-z0-9+/]+={0,2})$/.exec(secret);
  const bytes = match === null ? null : Buffer.from(match[1] as string, 'base64');
  return bytes !== null && bytes.length >= 24 && bytes.length <= 64 ? bytes : null;
};

const macOf = (key: Uint8Array, id: string, timestamp: string, body: Uint8Array): Buffer =>
  createHmac('sha256', key).update(`${id}.${timestamp}.`).update(body).digest();

/** The header `webhook-signature` of a message. */
export const signMessage = (key: Uint8Array, id: string, timestamp: number, body: Uint8Array): string =>
  `v1,${macOf(key, id, String(timestamp), body).toString('base64')}`;

const givenMacs = (header: string): Buffer[] =>
  header
    .split(' ')
    .filter((one) => one.startsWith('v1,'))
    .map((one) => Buffer.from(one.slice(3), 'base64'));

/** Every pair is compared, in constant time, so that nothing is learnt from how long it takes. */
const anyEqual = (given: readonly Buffer[], expected: readonly Buffer[]): boolean => {
  let found = false;
  for (const mac of expected) {
    for (const one of given) found = (one.length === mac.length && timingSafeEqual(one, mac)) || found;
  }
  return found;
};

/** What is wrong with the headers alone: asked before a body is read. `nowMs` is this server's clock. */
export const headersFault = ({ id, timestamp }: SignedHeaders, nowMs: number): SignatureFault | null => {
  if (!idForm.test(id) || !secondsForm.test(timestamp)) return 'of a wrong form';
  const ageSeconds = nowMs / 1000 - Number(timestamp);
  if (ageSeconds > toleranceSeconds) return 'too old';
  return ageSeconds < -toleranceSeconds ? 'in the future' : null;
};

/** null where one of the keys signed these bytes under this id and time. Several are known while one replaces another. */
export const signatureFault = (headers: SignedHeaders, body: Uint8Array, keys: readonly Uint8Array[]): SignatureFault | null => {
  const expected = keys.map((key) => macOf(key, headers.id, headers.timestamp, body));
  return anyEqual(givenMacs(headers.signature), expected) ? null : 'not signed with a secret that is known';
};
