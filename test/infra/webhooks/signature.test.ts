import { describe, expect, it } from 'vitest';
import { carriesToken } from '../../../infra/webhooks/bearer.ts';
import { headersFault, secretBytes, signatureFault, signMessage } from '../../../infra/webhooks/signature.ts';

/** The example of the Standard Webhooks libraries. */
const key = secretBytes('whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw') as Buffer;
const id = 'msg_p5jXN8AQM9LWM0D4loKWxJek';
const timestamp = '1614265330';
const body = Buffer.from('{"test": 2432232314}');
const signature = 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=';
const atMs = 1_614_265_330_000;

describe('signMessage()', () => {
  it('signs the published example as the reference libraries do', () => {
    expect(signMessage(key, id, Number(timestamp), body)).toBe(signature);
  });
});

describe('signatureFault()', () => {
  const other = Buffer.alloc(32, 1);
  it('finds the one good signature of several, by any of the keys that are known', () => {
    expect(signatureFault({ id, timestamp, signature: `v1,AAAA v2,x ${signature}` }, body, [other, key])).toBeNull();
  });

  it.each([
    ['another body', { id, timestamp, signature }, Buffer.from('{"test": 2432232315}'), [key]],
    ['another id', { id: 'msg_x', timestamp, signature }, body, [key]],
    ['another time', { id, timestamp: '1614265331', signature }, body, [key]],
    ['another key', { id, timestamp, signature }, body, [other]],
    ['no key', { id, timestamp, signature }, body, []],
    ['no version', { id, timestamp, signature: signature.slice(3) }, body, [key]],
    ['half a signature', { id, timestamp, signature: signature.slice(0, 20) }, body, [key]],
    ['an empty signature', { id, timestamp, signature: 'v1,' }, body, [key]],
  ])('refuses %s', (_what, headers, bytes, keys) => {
    expect(signatureFault(headers, bytes, keys)).toBe('not signed with a secret that is known');
  });
});

describe('headersFault()', () => {
  it.each([
    [0, null],
    [300_000, null],
    [300_001, 'too old'],
    [-300_000, null],
    [-300_001, 'in the future'],
    [1e12, 'too old'],
  ])('allows 300 s both ways: %i ms after it was signed: %s', (ageMs, fault) => {
    expect(headersFault({ id, timestamp, signature }, atMs + ageMs)).toBe(fault);
  });

  it.each(['', 'a.b', 'a b', 'ä', 'x'.repeat(257)])('refuses the id "%s"', (wrong) => {
    expect(headersFault({ id: wrong, timestamp, signature }, atMs)).toBe('of a wrong form');
  });

  it.each(['', '1e9', '-1', '0x10', ' 1614265330', '1614265330.5', 'NaN'])('refuses the time "%s"', (wrong) => {
    expect(headersFault({ id, timestamp: wrong, signature }, atMs)).toBe('of a wrong form');
  });
});

describe('secretBytes()', () => {
  it.each(['', 'secret', 'whsec_', 'whsec_AAAA', `whsec_${Buffer.alloc(65).toString('base64')}`, 'whsec_not base64!'])(
    'knows no secret in "%s"',
    (wrong) => {
      expect(secretBytes(wrong)).toBeNull();
    },
  );
});

describe('carriesToken()', () => {
  const tokens = ['the-old-token-0123', 'the-new-token-0123'];
  it('takes each of several tokens', () => {
    for (const token of tokens) expect(carriesToken(`Bearer ${token}`, tokens)).toBe(true);
    expect(carriesToken('bearer the-new-token-0123', tokens)).toBe(true);
  });

  it.each([undefined, '', 'Bearer', 'Bearer ', 'Bearer the-old-token-012', 'Basic the-old-token-0123', 'the-old-token-0123'])(
    'takes no "%s"',
    (header) => {
      expect(carriesToken(header, tokens)).toBe(false);
      expect(carriesToken(header, [])).toBe(false);
    },
  );
});
