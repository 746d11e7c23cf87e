/** The command `perennial`: parse, dispatch, exit codes. Heavy modules are imported by the command that needs them. */
import { enableCompileCache } from 'node:module';

enableCompileCache();
const { watchReaders } = await import('./reader-gone.ts');
watchReaders();
const { runCommand } = await import('./program.ts');
process.exitCode = await runCommand(process.argv.slice(2));
