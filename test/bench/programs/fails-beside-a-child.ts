/** A bench that has started a process which never ends by itself, and a folder, and fails. Says the process's id. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { leaveNothing } from '../support/nothing-left.ts';

await leaveNothing(async () => {
  mkdtempSync(join(tmpdir(), 'its-own-'));
  const child = spawn('sleep', ['1000'], { detached: true, stdio: 'ignore' });
  await once(child, 'spawn');
  process.stdout.write(`${child.pid}`);
  throw new Error('Cannot measure');
});
