import { afterEach, beforeEach, expect, it } from 'vitest';
import { publishedName } from '../../infra/features/published-view.ts';
import { unpublishedText, unpublishedViews } from '../../workers/cli/unpublished-views.ts';
import type { ServedView } from '../../workflows/domain/contracts/feature-set.ts';
import type { Instant, PipelineName } from '../../workflows/domain/units.ts';
import { flightFeatures } from '../serving/support/models.ts';
import { createWorld, type World } from '../serving/support/world.ts';

const flights = 'flights' as PipelineName;
const [view] = flightFeatures.views as [ServedView];
const redefined: ServedView = { ...view, sql: 'select 2' };

let world: World;
beforeEach(async () => {
  world = await createWorld();
});
afterEach(() => world.close());

const publish = (publication: string, name: string) =>
  world.onlineFeatures.publish(
    flights,
    publication,
    (async function* () {
      yield { view: name, entity: 'SEA', values: { late_rate: 0.5 }, knownAt: '2001-01-31T00:00:00.000Z' as Instant };
    })(),
  );

it('names the views that a version put back does not find, and what to do', async () => {
  const { registry, onlineFeatures, store } = world;
  const needs = { registry, onlineFeatures, content: store.content };
  const before = await world.add({ pipeline: flights, bias: 0, task: 'regression', featureSet: flightFeatures });
  const after = await world.add({
    pipeline: flights,
    bias: 0,
    task: 'regression',
    featureSet: { ...flightFeatures, views: [redefined] },
  });
  const missing = async () => [
    await unpublishedViews(needs, flights, before.version),
    await unpublishedViews(needs, flights, after.version),
  ];
  expect(await missing()).toEqual([['origin_past'], ['origin_past']]);
  await publish('first', publishedName(redefined));
  expect(await missing()).toEqual([['origin_past'], []]);
  // As it was published before definitions were told apart.
  await publish('second', view.name);
  expect(await missing()).toEqual([[], []]);
  const text = unpublishedText(flights, before.version, ['origin_past']);
  expect(text).toContain('"origin_past" as version 1 defines them');
  expect(text).toContain('"perennial run flights"');
});
