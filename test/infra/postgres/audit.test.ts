import { beforeEach, describe, expect, it } from 'vitest';
import { createAudit } from '../../../infra/postgres/audit.ts';
import { openBench } from './bench.ts';

let bench: Awaited<ReturnType<typeof openBench>>;
beforeEach(async () => {
  bench = await openBench();
  return bench.end;
});

const entry = (number: number) => ({
  actor: 'ada',
  action: 'thing done',
  subject: `flights/${number}`,
  detail: { z: number, a: [1.5, 'ä', null, { deep: true }], big: 1e21, small: 1e-9, negative: -0, nul: 'a\u0000b' },
});

/** As someone with the rights of the owner could: past the trigger. */
const tamper = async (statement: string): Promise<void> => {
  await bench.pool.query(
    `alter table perennial.audit_log disable trigger user; ${statement}; alter table perennial.audit_log enable trigger user`,
  );
};

describe('the audit log', () => {
  it('is a chain, also where 20 writers append at once', async () => {
    const audits = Array.from({ length: 4 }, () => createAudit(bench.open().db));
    await Promise.all(Array.from({ length: 20 }, (_, index) => (audits[index % 4] as (typeof audits)[0]).append(entry(index))));
    expect(await createAudit(bench.db).verifyChain()).toEqual({ holds: true, entries: 20, brokenAt: null });
  });

  it('lists newest first, by subject and what lies below it', async () => {
    const audit = createAudit(bench.db);
    for (const number of [1, 2, 11]) await audit.append(entry(number));
    await audit.append({ ...entry(0), subject: 'flights' });
    await audit.append({ ...entry(0), subject: 'flights_2/1' });
    const subjects = async (filter: { subject?: string; limit: number }) => (await audit.list(filter)).map((one) => one.subject);
    expect(await subjects({ limit: 2 })).toEqual(['flights_2/1', 'flights']);
    expect(await subjects({ subject: 'flights', limit: 10 })).toEqual(['flights', 'flights/11', 'flights/2', 'flights/1']);
    expect(await subjects({ subject: 'flights/1', limit: 10 })).toEqual(['flights/1']);
  });

  it('can neither be changed nor emptied', async () => {
    await createAudit(bench.db).append(entry(1));
    for (const statement of [
      'update perennial.audit_log set actor = $$x$$',
      'delete from perennial.audit_log',
      'truncate perennial.audit_log',
    ]) {
      await expect(bench.pool.query(statement)).rejects.toThrow(/append-only/);
    }
  });

  it.each([
    ['an altered entry', `update perennial.audit_log set detail = '{"z": 9}' where id = 2`, 2, /altered/],
    ['an altered instant', `update perennial.audit_log set at = at + interval '1 ms' where id = 3`, 3, /altered/],
    ['a removed entry', 'delete from perennial.audit_log where id = 2', 3, /removed/],
    ['a removed beginning', 'delete from perennial.audit_log where id = 1', 2, /removed/],
  ])('shows %s', async (_, statement, id, reason) => {
    const audit = createAudit(bench.db);
    for (const number of [1, 2, 3, 4]) await audit.append(entry(number));
    await tamper(statement);
    const verdict = await audit.verifyChain();
    expect(verdict).toMatchObject({ holds: false, brokenAt: { id } });
    expect(verdict.brokenAt?.reason).toMatch(reason);
  });

  it('is verified over pages', async () => {
    const audit = createAudit(bench.db);
    for (let number = 0; number < 1_001; number += 1) await audit.append(entry(number));
    expect(await audit.verifyChain()).toEqual({ holds: true, entries: 1_001, brokenAt: null });
  });
});
