/** A server must count exactly what the profile's own counting would: the same rows both ways, and equal vectors. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { DatasetSchema } from '#domain/contracts/dataset.ts';
import type { FeatureSet } from '#domain/contracts/feature-set.ts';
import type { ReferenceProfile } from '#domain/contracts/reference-profile.ts';
import { createRandom } from '#domain/stats/random.ts';
import { dayMs, type Instant, type Sha256 } from '#domain/units.ts';
import { profiledColumns } from '../../../infra/profile/columns.ts';
import { countWindow } from '../../../infra/profile/count-window.ts';
import { profileColumns } from '../../../infra/profile/profile-columns.ts';
import { profileClassesInMemory, profileNumbersInMemory } from '../../../infra/profile/profile-values.ts';
import { quoteName, quoteText } from '../../../infra/tabular/sql.ts';
import { createRowCounter } from '../../../serving/capture/count-rows.ts';
import { createOnlineCopy, lookupFor } from '../../../serving/model/online-copy.ts';
import { rowViewsOf } from '../../../serving/model/row-views.ts';
import { inDuck } from '../../infra/profile/made-rows.ts';
import { testFolder } from '../../support/servers.ts';

const field = (name: string, type: 'number' | 'integer' | 'category' | 'timestamp' | 'boolean') => ({
  name,
  type,
  unknownValues: 'allow' as const,
  required: false,
  defaultsTo: null,
});
const feature = (name: string, source: FeatureSet['features'][number]['source'], transforms: unknown[] = []) =>
  ({ name, source, transforms, outputs: [name] }) as FeatureSet['features'][number];
const column = (name: string) => ({ kind: 'column' as const, column: name });
const part = (of: string) => ({ kind: 'date-part', part: of });
const codes = { kind: 'ordinal', categories: [] };

/** One of every kind of input: quantity, encoded number, category, truth, parts that are names and that are not, view values. */
const featureSet: FeatureSet = {
  format: 1,
  eventTime: 'at',
  request: [
    field('at', 'timestamp'),
    field('x', 'number'),
    field('n', 'integer'),
    field('c', 'category'),
    field('b', 'boolean'),
    field('airport', 'category'),
  ],
  views: [{ name: 'past', entity: ['airport'], values: ['rate', 'kind'], sql: '', staleAfterMs: 7 * dayMs }],
  features: [
    feature('x', column('x')),
    feature('n', column('n'), [codes]),
    feature('c', column('c'), [codes]),
    feature('b', column('b'), [{ kind: 'boolean' }]),
    feature('hour', column('at'), [part('hour')]),
    feature('minute', column('at'), [part('minute_of_day')]),
    feature('weekday', column('at'), [part('weekday')]),
    feature('rate', { kind: 'view', view: 'past', value: 'rate' }),
    feature('kind', { kind: 'view', view: 'past', value: 'kind' }, [codes]),
    feature('c_n', { kind: 'cross', columns: ['c', 'n'] }, [codes]),
  ],
};
const schema = {
  columns: featureSet.request.map(({ name, type }) => ({ name, type })),
  eventTime: 'at',
} as unknown as DatasetSchema;

type Made = { at: number; x: number | null; n: number | null; c: string | null; b: boolean | null; airport: string | null };

const made = (count: number, seed: number, more: readonly string[] = []): Made[] => {
  const random = createRandom(seed);
  const orNone = <T>(value: T): T | null => (random() < 0.07 ? null : value);
  const of = <T>(values: readonly T[]): T => values[Math.floor(random() * values.length)] as T;
  return Array.from({ length: count }, (_, index) => ({
    at: Date.UTC(2001, 0, 1) + Math.floor((index / count) * 20 * dayMs) + Math.floor(random() * 1_000),
    x: orNone(of([0, -0, 5e-324, 1e150, (random() - 0.5) * 100, Math.floor(random() * 8)])),
    n: orNone(Math.floor(random() * 6) - 2),
    c: orNone(of(['', "it's", 'a', 'a', 'Ä "quoted"', 'null', ...more])),
    b: orNone(random() < 0.3),
    airport: orNone(of(['SEA', 'LAX', 'nowhere', ...more])),
  }));
};

/** What is published: the first is too old for rows from the second week on, and "nowhere" has no past. */
const copy = createOnlineCopy('one', [
  { view: 'past', entity: 'SEA', values: { rate: 0.25, kind: 'hub' }, knownAt: '2001-01-08T00:00:00.000Z' },
  { view: 'past', entity: 'LAX', values: { rate: 17.5, kind: null }, knownAt: '2001-01-30T00:00:00.000Z' },
  { view: 'past', entity: '\\unseen', values: { rate: 0, kind: 'new' }, knownAt: '2001-01-30T00:00:00.000Z' },
]);
const lookupOf = lookupFor(featureSet, copy, () => {});
const viewsOf = (row: Made) => rowViewsOf(featureSet, row, lookupOf(row));

const answers = (count: number, seed: number, rare = 1) => {
  const random = createRandom(seed);
  return Array.from({ length: count }, () => {
    const probability = Math.fround(random() < 0.01 ? rare : random());
    return { prediction: probability >= 0.5, probability };
  });
};

test('rows of every kind are counted by the server as by the profile', async () => {
  const place = testFolder();
  const [reference, current] = [made(4_000, 1), made(3_000, 2, ['never', 'seen'])];
  const [before, now] = [answers(4_000, 3), answers(3_000, 4, 40)];
  const write = (name: string, rows: readonly Made[], given: readonly { prediction: boolean; probability: number }[]): string => {
    const file = join(place.folder, name);
    const lines = rows.map((row, index) => {
      const views = viewsOf(row)?.['past'];
      const answer = given[index] as { prediction: boolean; probability: number };
      return JSON.stringify({ ...row, _row: index, rate: views?.['rate'] ?? null, kind: views?.['kind'] ?? null, ...answer });
    });
    writeFileSync(file, lines.join('\n'));
    return `(SELECT _row, make_timestamp("at" * 1000) AS "at", x, n, c, b, airport, rate AS "past.rate", kind AS "past.kind", probability, prediction
      FROM read_json(${quoteText(file)}, columns = {_row: 'BIGINT', "at": 'BIGINT', x: 'DOUBLE', n: 'BIGINT', c: 'VARCHAR', b: 'BOOLEAN',
      airport: 'VARCHAR', rate: 'DOUBLE', kind: 'VARCHAR', probability: 'DOUBLE', prediction: 'BOOLEAN'}))`;
  };
  await inDuck(place.folder, async (db) => {
    const columns = profiledColumns(featureSet, { schema, textValues: new Set(['past.kind']) });
    const relation = write('reference.ndjson', reference, before);
    const profiled = await profileColumns(db, { relation, rowNumber: '_row', epochMs: 'epoch_ms("at")' }, columns, dayMs);
    const rest = { critical: false, importance: null, closedVocabulary: false, hardLimits: { min: null, max: null } };
    const profile: Pick<ReferenceProfile, 'features' | 'scores' | 'predictions'> = {
      features: profiled.variables.map((variable) => ({ ...variable, ...rest })),
      scores: [
        profileNumbersInMemory(
          'score',
          Float64Array.from(before, ({ probability }) => probability),
          null,
        ),
      ],
      predictions: profileClassesInMemory(
        'predicted class',
        ['false', 'true'],
        before.map(({ prediction }) => String(prediction)),
        null,
      ),
    };
    const window = await countWindow(
      db,
      profile,
      'a'.repeat(64) as Sha256,
      {
        relation: write('window.ndjson', current, now),
        columnOf: (name) => columns.find((one) => one.name === name)?.sql ?? quoteName(name),
        answerOf: (name) => (name === 'score' ? 'probability' : 'CAST(prediction AS VARCHAR)'),
      },
      { from: '2001-01-01T00:00:00.000Z' as Instant, to: '2001-01-21T00:00:00.000Z' as Instant },
    );
    const model = { featureSet, package: { task: 'binary', classes: ['false', 'true'], positiveClass: 'true' } } as never;
    const counter = createRowCounter(model, profile);
    const counters = counter.empty();
    for (const [index, row] of current.entries()) {
      const answer = now[index] as { prediction: boolean; probability: number };
      counter.count(counters, row, viewsOf(row), answer);
    }
    const { features, scores, predictions } = window;
    const mine = counter.read(counters);
    expect(profile.features.map(({ name, layout }) => [name, layout.kind])).toEqual([
      ['x', 'numeric'],
      ['n', 'categorical'],
      ['c', 'categorical'],
      ['b', 'categorical'],
      ['at (hour)', 'categorical'],
      ['at (minute_of_day)', 'numeric'],
      ['at (weekday)', 'categorical'],
      ['past.rate', 'numeric'],
      ['past.kind', 'categorical'],
    ]);
    for (const [index, { name }] of profile.features.entries())
      expect([name, mine.features[index]]).toEqual([name, features[index]]);
    expect(mine).toEqual({ features, scores, predictions });
    // The comparison would also hold of nothing.
    expect(features[0]?.counts.missing).toBeGreaterThan(100);
    expect(features[2]?.counts.cells.at(-1)).toBeGreaterThan(100);
    expect(features[7]?.counts.missing).toBeGreaterThan(50);
    expect(scores[0]?.outside).toBeGreaterThan(5);
    expect(counter.isOutside({ prediction: true, probability: 40 })).toBe(true);
    expect(counter.isOutside({ prediction: true, probability: 0.5 })).toBe(false);
  });
  place.close();
});
