import { testDatabase, testStore } from '../../support/servers.ts';
import { openWorld, type World } from './pipelines.ts';

export type { World };

/** A world of its own on the test run's servers. */
export const createWorld = async (): Promise<World> => {
  const database = await testDatabase();
  const store = testStore();
  const world = openWorld({ databaseUrl: database.url, store });
  return {
    ...world,
    close: async () => {
      await world.close();
      await database.close();
      store.close();
    },
  };
};
