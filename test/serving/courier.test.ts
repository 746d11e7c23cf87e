import { describe, expect, test } from 'vitest';
import { silentLogger } from '../../infra/telemetry/logger.ts';
import { backOffMs } from '../../serving/control/dispatch/back-off.ts';
import { startCourier } from '../../serving/control/dispatch/courier.ts';

describe('backOffMs()', () => {
  const policy = { firstMs: 500, mostMs: 30_000 };
  test('doubles up to the most, and takes half of it away by chance', () => {
    const longest = [1, 2, 3, 7, 8, 1_000].map((attempts) => backOffMs(policy, attempts, 1));
    expect(longest).toEqual([500, 1_000, 2_000, 30_000, 30_000, 30_000]);
    expect(backOffMs(policy, 3, 0)).toBe(1_000);
    expect(backOffMs(policy, 3, 0.5)).toBe(1_500);
  });
});

describe('startCourier()', () => {
  const log = silentLogger();
  test('looks again at once while there is more, after a poke, and after an error', async () => {
    const seen = Promise.withResolvers<void>();
    let rounds = 0;
    const carry = async (): Promise<boolean> => {
      rounds += 1;
      if (rounds === 2) throw new Error('the database is away');
      if (rounds === 4) seen.resolve();
      return rounds === 1;
    };
    const courier = startCourier({ name: 'test', carry, idleMs: 3_600_000, log });
    await expect.poll(() => rounds).toBe(2);
    courier.poke();
    await expect.poll(() => rounds).toBe(3);
    courier.poke();
    await seen.promise;
    await courier.close();
    expect(rounds).toBe(4);
  });

  test('does not lose a poke that comes while it looks', async () => {
    const looking = Promise.withResolvers<void>();
    let rounds = 0;
    const carry = async (): Promise<boolean> => {
      rounds += 1;
      if (rounds === 1) await looking.promise;
      return false;
    };
    const courier = startCourier({ name: 'test', carry, idleMs: 3_600_000, log });
    courier.poke();
    looking.resolve();
    await expect.poll(() => rounds).toBe(2);
    await courier.close();
  });
});
