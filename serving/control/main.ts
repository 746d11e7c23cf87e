/** The control plane as a program of its own, for an image without the command. */
import { loadConfig } from '../../infra/config.ts';
import { runControlServer } from './server.ts';

await runControlServer(loadConfig());
