import { beforeEach, describe, expect, it } from 'vitest';
import { sha256Of } from '../../../infra/objects/digest.ts';
import { createRegistry } from '../../../infra/postgres/registry.ts';
import { applyFlights, flights, openBench } from './bench.ts';

let bench: Awaited<ReturnType<typeof openBench>>;
beforeEach(async () => {
  bench = await openBench();
  await applyFlights(bench);
  return bench.end;
});

const use = (holdout: string, candidate: string) => ({
  pipeline: flights,
  holdout: /^\d/.test(holdout) ? { newestDay: holdout } : { kept: holdout },
  trainingKey: sha256Of(candidate),
});

describe('useHoldout()', () => {
  it('numbers candidates, and gives the same one its number again', async () => {
    const { useHoldout } = createRegistry(bench.db);
    expect((await useHoldout(use('kept rows', 'a'))).number).toBe(1);
    expect((await useHoldout(use('kept rows', 'b'))).number).toBe(2);
    expect((await useHoldout(use('kept rows', 'a'))).number).toBe(1);
    expect((await useHoldout(use('2001-02-27', 'b'))).number).toBe(1);
  });

  it('starts anew with a newer day, and never with an older one', async () => {
    const { useHoldout } = createRegistry(bench.db);
    expect(await useHoldout(use('2001-02-27', 'a'))).toEqual({ holdout: 'rows up to 2001-02-27', number: 1 });
    expect((await useHoldout(use('2001-02-27', 'b'))).number).toBe(2);
    expect((await useHoldout(use('2001-03-01', 'c'))).number).toBe(1);
    expect((await useHoldout(use('2001-02-28', 'd'))).number).toBe(2);
    expect((await useHoldout(use('2001-02-27', 'e'))).number).toBe(5);
    expect((await useHoldout(use('2001-02-27', 'b'))).number).toBe(2);
    expect((await useHoldout(use('kept rows', 'f'))).number).toBe(1);
  });

  it('leaves no gap and no double where 24 attempts of 12 candidates come at once', async () => {
    const registries = Array.from({ length: 4 }, () => createRegistry(bench.open().db));
    const used = await Promise.all(
      Array.from({ length: 24 }, (_, attempt) =>
        (registries[attempt % 4] as (typeof registries)[number]).useHoldout(use('kept rows', `candidate ${attempt % 12}`)),
      ),
    );
    const numbers = used.map(({ number }) => number);
    expect([...numbers.slice(0, 12)].sort((left, right) => left - right)).toEqual(Array.from({ length: 12 }, (_, i) => i + 1));
    expect(numbers.slice(12)).toEqual(numbers.slice(0, 12));
  });

  it('refuses a pipeline that was never applied', async () => {
    await expect(
      createRegistry(bench.db).useHoldout({ ...use('kept rows', 'a'), pipeline: 'gone' as never }),
    ).rejects.toMatchObject({
      code: 'PRN_NOT_FOUND',
    });
  });
});
