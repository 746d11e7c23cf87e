/** The prediction server as a program of its own, for an image without the command. */
import { loadConfig } from '../../infra/config.ts';
import { runPredictServer } from './server.ts';

await runPredictServer(loadConfig());
