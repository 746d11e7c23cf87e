import { expect, test } from 'vitest';
import { createTurnstile } from '../../activities/turnstile.ts';

const never = new AbortController().signal;
const gate = () => {
  let open = (): void => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { open, opened };
};

test('lets one through at a time, in order, and the next also when one fails', async () => {
  const turnstile = createTurnstile(1);
  const seen: string[] = [];
  const first = gate();
  const one = turnstile(never, async () => {
    seen.push('one in');
    await first.opened;
    throw new Error('one failed');
  });
  const two = turnstile(never, async () => seen.push('two in'));
  const three = turnstile(never, async () => seen.push('three in'));
  await Promise.resolve();
  expect(seen).toEqual(['one in']);
  first.open();
  await expect(one).rejects.toThrow('one failed');
  await Promise.all([two, three]);
  expect(seen).toEqual(['one in', 'two in', 'three in']);
});

test('who is cancelled while waiting leaves, and takes no place', async () => {
  const turnstile = createTurnstile(1);
  const first = gate();
  const one = turnstile(never, () => first.opened);
  const impatient = new AbortController();
  const two = turnstile(impatient.signal, async () => 'two');
  const three = turnstile(never, async () => 'three');
  impatient.abort(new Error('cancelled'));
  await expect(two).rejects.toThrow('cancelled');
  first.open();
  await one;
  expect(await three).toBe('three');
  expect(await turnstile(never, async () => 'four')).toBe('four');
});

test('who comes cancelled does not work at all', async () => {
  const turnstile = createTurnstile(1);
  await expect(turnstile(AbortSignal.abort(new Error('cancelled')), async () => 'never')).rejects.toThrow('cancelled');
  expect(await turnstile(never, async () => 'next')).toBe('next');
});
