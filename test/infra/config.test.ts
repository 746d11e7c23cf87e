import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../infra/config.ts';

const secret = `whsec_${Buffer.alloc(24, 1).toString('base64')}`;
const other = `whsec_${Buffer.alloc(64, 2).toString('base64')}`;
const load = (environment: Record<string, string>) => loadConfig({ PERENNIAL_STATE_DIR: '/tmp/nowhere', ...environment });

describe('who may call the webhooks', () => {
  it('is nobody where nothing is said', () => {
    expect(load({}).webhooks).toEqual({ tokens: [], keys: [] });
    expect(load({ PERENNIAL_WEBHOOK_TOKENS: '', PERENNIAL_WEBHOOK_SECRETS: ' , ' }).webhooks).toEqual({ tokens: [], keys: [] });
  });

  it('is each of several, separated by commas', () => {
    const { tokens, keys } = load({
      PERENNIAL_WEBHOOK_TOKENS: 'the-old-token-0123, the-new-token-0123',
      PERENNIAL_WEBHOOK_SECRETS: `${secret},${other}`,
    }).webhooks;
    expect(tokens).toEqual(['the-old-token-0123', 'the-new-token-0123']);
    expect(keys.map((key) => key.length)).toEqual([24, 64]);
  });

  it.each([
    ['PERENNIAL_WEBHOOK_TOKENS', 'short'],
    ['PERENNIAL_WEBHOOK_TOKENS', 'a token with many spaces'],
    ['PERENNIAL_WEBHOOK_TOKENS', 'the-old-token-0123,short'],
    ['PERENNIAL_WEBHOOK_SECRETS', 'the-old-token-0123'],
    ['PERENNIAL_WEBHOOK_SECRETS', 'whsec_c2hvcnQ='],
    ['PERENNIAL_WEBHOOK_SECRETS', `${secret},whsec_`],
    ['PERENNIAL_PUBLIC_URL', 'ftp://example.org'],
  ])('is refused where %s is "%s", without saying its value', (variable, value) => {
    const attempt = (): unknown => load({ [variable]: value });
    expect(attempt).toThrow(expect.objectContaining({ code: 'PRN_CONFIG_INVALID', message: expect.stringContaining(variable) }));
    expect(attempt).toThrow(expect.objectContaining({ message: expect.not.stringContaining(value) }));
  });
});

describe('a secret', () => {
  it('is found by the name of its variable, and is nothing where it is not set or empty', () => {
    const { secretNamed } = load({ HOOK_SECRET: secret, EMPTY: '' });
    expect([secretNamed('HOOK_SECRET'), secretNamed('EMPTY'), secretNamed('NOT_SET')]).toEqual([secret, null, null]);
    expect(secretNamed('constructor')).toBeNull();
  });
});
