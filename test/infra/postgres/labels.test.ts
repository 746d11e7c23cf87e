import { beforeEach, describe, expect, it } from 'vitest';
import { subjectOfKey, subjectOfPrediction } from '../../../infra/capture/subject.ts';
import { createLabels, type Labels, type NewLabel } from '../../../infra/postgres/labels.ts';
import type { Instant, PipelineName } from '../../../workflows/domain/units.ts';
import { idAt } from '../capture/records.ts';
import { applyFlights, flights, openBench } from './bench.ts';

let bench: Awaited<ReturnType<typeof openBench>>;
let labels: Labels;
beforeEach(async () => {
  bench = await openBench();
  await applyFlights(bench);
  labels = createLabels(bench.db);
  return bench.end;
});

const at = (text: string): Instant => new Date(text).toISOString() as Instant;
const one = (n: number, label: NewLabel['label'], when: string | null = '2001-01-01T06:00:00Z'): NewLabel => ({
  subject: subjectOfPrediction(idAt('2001-01-01T05:00:00.000Z', n)),
  label,
  at: when === null ? null : at(when),
});
const stored = async (n: number) => (await labels.find(flights, [one(n, true).subject]))[0];
const readAll = async (fromMs: number, toMs: number): Promise<string[]> => {
  const lines: string[] = [];
  for await (const text of labels.read(flights, { fromMs, toMs })) lines.push(...text.split('\n').filter((line) => line !== ''));
  return lines;
};

describe('record()', () => {
  it('counts new ones, corrections and duplicates, and remembers when a label was first known', async () => {
    expect(await labels.record(flights, [one(1, true), one(2, 0.5), one(3, 'late')])).toEqual({
      accepted: 3,
      corrected: 0,
      duplicates: 0,
    });
    expect(await labels.record(flights, [one(1, true), one(2, 0.75, '2001-01-02'), one(4, false)])).toEqual({
      accepted: 1,
      corrected: 1,
      duplicates: 1,
    });
    expect(await stored(2)).toMatchObject({
      label: 0.75,
      knownAt: at('2001-01-01T06:00:00Z'),
      correctedAt: at('2001-01-02'),
      corrections: 1,
    });
    expect(await stored(1)).toMatchObject({ label: true, correctedAt: null, corrections: 0 });
  });

  it('ends with the same label in whatever order corrections arrive', async () => {
    const [first, second] = [one(1, true, '2001-01-01'), one(1, false, '2001-01-02')];
    await labels.record(flights, [first]);
    await labels.record(flights, [second]);
    const [third, fourth] = [one(2, true, '2001-01-01'), one(2, false, '2001-01-02')];
    await labels.record(flights, [fourth]);
    expect(await labels.record(flights, [third])).toEqual({ accepted: 0, corrected: 0, duplicates: 1 });
    expect(await labels.record(flights, [first])).toEqual({ accepted: 0, corrected: 0, duplicates: 1 });
    expect((await stored(1))?.corrections).toBe(1);
    expect([(await stored(1))?.label, (await stored(2))?.label]).toEqual([false, false]);
  });

  it('takes a subject twice in one request, in its order', async () => {
    expect(await labels.record(flights, [one(1, true), one(1, true), one(1, false, '2001-01-03')])).toEqual({
      accepted: 1,
      corrected: 1,
      duplicates: 1,
    });
    expect((await stored(1))?.label).toBe(false);
  });

  it('counts each label once, handed in by many at once', async () => {
    const some = Array.from({ length: 3_000 }, (_, n) => one(n, n % 2 === 0));
    const others = createLabels(bench.open().db);
    const receipts = await Promise.all(
      [labels, others, labels, others].map((each, n) => each.record(flights, n % 2 === 0 ? some : some.toReversed())),
    );
    expect(receipts.reduce((sum, receipt) => sum + receipt.accepted, 0)).toBe(3_000);
    expect(receipts.reduce((sum, receipt) => sum + receipt.duplicates, 0)).toBe(9_000);
    expect(receipts.reduce((sum, receipt) => sum + receipt.corrected, 0)).toBe(0);
  });

  it('keeps all or none', async () => {
    const many = Array.from({ length: 2_500 }, (_, n) => one(n, true));
    const poisoned = [...many, { ...one(9_999, true), at: 'not an instant' as Instant }];
    await expect(labels.record(flights, poisoned)).rejects.toThrow();
    expect(await stored(1)).toBeUndefined();
    await expect(labels.record('churn' as PipelineName, many)).rejects.toMatchObject({ code: 'PRN_NOT_FOUND' });
  });

  it('knows a label without an instant from now on', async () => {
    await labels.record(flights, [one(1, true, null)]);
    expect(Math.abs(Date.parse((await stored(1))?.knownAt ?? '') - Date.now())).toBeLessThan(60_000);
  });
});

describe('read()', () => {
  it('gives predictions made within a span, and all keys, once and in order', async () => {
    const early = { subject: subjectOfPrediction(idAt('2000-12-31T23:59:59.999Z', 1)), label: true, at: at('2001-01-01') };
    const inside = Array.from({ length: 20 }, (_, n) => one(n, 0.5 + n));
    const keys = [{ subject: subjectOfKey({ id: 'a\tb\n"ö"' }), label: 'x\ty', at: at('2001-01-01') }];
    await labels.record(flights, [early, ...inside.toReversed(), ...keys]);
    const lines = await readAll(Date.parse('2001-01-01'), Date.parse('2001-01-02'));
    expect(lines.map((line) => line.split('\t')[0])).toEqual([...inside, ...keys].map(({ subject }) => subject));
    expect(lines[0]?.split('\t').slice(1)).toEqual(['0.5', String(Date.parse('2001-01-01T06:00:00Z'))]);
    expect(JSON.parse(lines.at(-1)?.split('\t')[1] ?? '')).toBe('x\ty');
    expect(await readAll(0, 1)).toHaveLength(1);
  });
});
