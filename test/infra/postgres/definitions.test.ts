import { beforeEach, describe, expect, it } from 'vitest';
import { sha256Of } from '../../../infra/objects/digest.ts';
import { createAudit } from '../../../infra/postgres/audit.ts';
import { createDefinitions } from '../../../infra/postgres/definitions.ts';
import { flights, openBench } from './bench.ts';

let bench: Awaited<ReturnType<typeof openBench>>;
beforeEach(async () => {
  bench = await openBench();
  return bench.end;
});

const [one, two] = [sha256Of('1'), sha256Of('2')];

describe('definitions', () => {
  it('are applied once, with an audit entry each', async () => {
    const definitions = createDefinitions(bench.db);
    expect(await definitions.apply(flights, '/p', { name: 'flights' }, one, 'c1', 'ada')).toEqual({
      changed: true,
      previousSha256: null,
    });
    expect(await definitions.apply(flights, '/p', { name: 'flights' }, one, 'c2', 'ada')).toEqual({
      changed: false,
      previousSha256: one,
    });
    expect(await definitions.apply(flights, '/p', { name: 'flights', v: 2 }, two, 'c2', 'ada')).toEqual({
      changed: true,
      previousSha256: one,
    });
    expect(await definitions.current(flights)).toMatchObject({
      pipeline: flights,
      sha256: two,
      file: { name: 'flights', v: 2 },
      folder: '/p',
    });
    expect(await definitions.find(one)).toEqual({
      pipeline: flights,
      file: { name: 'flights' },
      codeVersion: 'c2',
      folder: '/p',
    });
    expect(await createAudit(bench.db).list({ limit: 10 })).toHaveLength(2);
  });

  it('can be kept for a run without being current', async () => {
    const definitions = createDefinitions(bench.db);
    await definitions.keep(flights, { overridden: true }, two, 'c1');
    expect(await definitions.current(flights)).toBeNull();
    expect(await definitions.find(two)).toMatchObject({ file: { overridden: true } });
    expect(await definitions.listPipelines()).toMatchObject([{ name: 'flights', definitionSha256: null }]);
  });

  it('are null where unknown', async () => {
    const definitions = createDefinitions(bench.db);
    expect(await definitions.find(one)).toBeNull();
    expect(await definitions.current(flights)).toBeNull();
    expect(await definitions.listPipelines()).toEqual([]);
  });

  it('end with one current definition where many apply at once', async () => {
    const digests = Array.from({ length: 12 }, (_, index) => sha256Of(`definition ${index}`));
    const applied = await Promise.all(
      digests.map((sha256, index) => createDefinitions(bench.open().db).apply(flights, '/p', { index }, sha256, 'c', 'ada')),
    );
    const current = await createDefinitions(bench.db).current(flights);
    const replaced = applied.map((effect) => effect.previousSha256).filter((sha256) => sha256 !== null);
    expect(new Set([...replaced, current?.sha256])).toEqual(new Set(digests));
  });
});
