import { join } from 'node:path';
import { testFolder } from '../../support/servers.ts';
import { createMemorySink, type MemorySink } from './profiles.ts';
import { createWorld, type World } from './world.ts';

export type LoggedWorld = {
  readonly world: World;
  /** Where servers log what they answer; it goes with the world. */
  readonly log: string;
  /** Whom they tell their counters. */
  readonly sink: MemorySink;
};

/** A world with a place for the log of its servers; see `captureIn`. */
export const createLoggedWorld = async (): Promise<LoggedWorld> => {
  const world = await createWorld();
  const { folder, close } = testFolder();
  world.onClose(async () => close());
  return { world, log: join(folder, 'capture'), sink: createMemorySink() };
};
