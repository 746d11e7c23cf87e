import { join } from 'node:path';
import { startTemporal, type TemporalServer } from '../../infra/temporal/server.ts';
import { testTemporal } from './servers.ts';

/** A server of a test's own with its file in a folder, so that it may be killed and come back with what it knew. */
export const startOwnTemporal = (folder: string, port: number): Promise<TemporalServer> =>
  startTemporal({
    binary: testTemporal().binary,
    dbFilename: join(folder, 'temporal.db'),
    port,
    uiPort: null,
    namespace: 'default',
    logFile: join(folder, 'temporal.log'),
  });
