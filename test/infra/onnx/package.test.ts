import { describe, expect, test } from 'vitest';
import { sha256Of } from '../../../infra/objects/digest.ts';
import { buildModelPackage, checkGolden, goldenPlaces, parseModelPackage } from '../../../infra/onnx/package.ts';
import { openSession } from '../../../infra/onnx/session.ts';
import type { PipelineName } from '../../../workflows/domain/units.ts';
import { bytesOf, logisticModel } from './tiny-models.ts';

const packageOf = async (weights: number[], rows: number) => {
  const bytes = bytesOf(logisticModel(weights));
  const session = await openSession(bytes);
  const data = Float32Array.from({ length: rows * 2 }, (_, index) => (index === 3 ? Number.NaN : Math.cos(index)));
  const modelPackage = buildModelPackage({
    pipeline: 'churn' as PipelineName,
    task: 'binary',
    classes: ['no', 'yes'],
    onnx: { sha256: sha256Of(bytes), bytes: bytes.length },
    session,
    featureSetSha256: sha256Of('features'),
    features: { data, rows, width: 2 },
    answers: { data: (await session.run(data, rows)).map((value) => (Number.isNaN(value) ? 0 : value)), rows, width: 1 },
  });
  return { session, modelPackage };
};

describe('buildModelPackage()', () => {
  test('keeps 16 rows spread over those given, missing values as null', async () => {
    const { modelPackage } = await packageOf([1, -1], 100);
    expect(modelPackage.golden).toHaveLength(16);
    expect(goldenPlaces(100).slice(0, 4)).toEqual([0, 6, 12, 18]);
    expect(modelPackage).toMatchObject({ positiveClass: 'yes', threshold: 0.5 });
    expect(parseModelPackage(JSON.parse(JSON.stringify(modelPackage)))).toEqual(modelPackage);
    expect((await packageOf([1, -1], 2)).modelPackage.golden[1]?.vector[1]).toBeNull();
  });

  test('is the same for the same parts', async () => {
    expect((await packageOf([1, -1], 30)).modelPackage).toEqual((await packageOf([1, -1], 30)).modelPackage);
  });
});

describe('checkGolden()', () => {
  test('accepts the model that was evaluated', async () => {
    const { session, modelPackage } = await packageOf([1, -1], 1);
    await expect(checkGolden(session, modelPackage)).resolves.toBeUndefined();
  });

  test('refuses another model, naming row, output and both answers', async () => {
    const { modelPackage } = await packageOf([1, -1], 1);
    const other = await openSession(bytesOf(logisticModel([1, -1.01])));
    await expect(checkGolden(other, modelPackage)).rejects.toThrow(
      /golden row 0, output 0 must be 0\.\d+ within 0\.00001: got 0\.\d+/,
    );
  });

  test('refuses answers that are no numbers, and another number of them', async () => {
    const { modelPackage } = await packageOf([1, -1], 1);
    await expect(checkGolden({ run: async () => Float32Array.of(Number.NaN) }, modelPackage)).rejects.toThrow('got NaN');
    await expect(checkGolden({ run: async () => Float32Array.of(0, 1) }, modelPackage)).rejects.toThrow(
      'must answer 1 numbers a row: got 2',
    );
  });

  test('names the field of a package that cannot be read', () => {
    expect(() => parseModelPackage({ format: 2 })).toThrow('Cannot read model package as "format" is wrong');
  });
});
