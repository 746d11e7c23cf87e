/** The whole system in a folder of its own, as `perennial up` starts it. */
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Config, loadConfig } from '../../infra/config.ts';
import { type Context, contextOf } from '../../workers/cli/context.ts';
import { resetState } from '../../workers/supervise/reset-state.ts';
import { startUp } from '../../workers/supervise/start-up.ts';

export type Stage = { readonly config: Config; readonly context: Context; readonly folder: string; close(): Promise<void> };

export const openStage = async (): Promise<Stage> => {
  const folder = await mkdtemp(join(tmpdir(), 'perennial-e2e-'));
  // PostgreSQL runs as another user where we are root, and has to pass through.
  await chmod(folder, 0o755);
  const config = loadConfig({
    ...process.env,
    PERENNIAL_STATE_DIR: join(folder, 'state'),
    DATABASE_URL: '',
    TEMPORAL_ADDRESS: '',
    PERENNIAL_STORE: '',
  });
  const up = await startUp(config, { onEvent: () => {} });
  const context = contextOf(config, up.endpoints);
  const close = async (): Promise<void> => {
    await context.close();
    await up.stop();
    await resetState(config.stateDir, () => {});
    await rm(folder, { recursive: true, force: true });
  };
  return { config, context, folder, close };
};
