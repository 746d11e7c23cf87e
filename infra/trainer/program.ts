/** Runs a short-lived tool to its end, without a shell. */
import { spawn } from 'node:child_process';
import { signalGroup } from './attempts.ts';
import { createLineReader } from './lines.ts';
import { createLogTail } from './log-tail.ts';

export type ProgramEnd = { readonly exitCode: number | null; readonly output: string; readonly errorTail: string };

export type ProgramOptions = {
  readonly environment: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
  readonly onLine?: (line: string) => void;
};

const tailCharacters = 4_000;

/** Resolves with exit code null where the program is not there or was killed for taking too long. Does not throw. */
export const runProgram = (command: string, parameters: readonly string[], options: ProgramOptions): Promise<ProgramEnd> =>
  new Promise((resolve) => {
    const child = spawn(command, parameters, {
      env: { ...options.environment },
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const output = createLogTail(tailCharacters);
    const errors = createLogTail(tailCharacters);
    const kill = (): void => {
      if (child.pid !== undefined) signalGroup(child.pid, 'SIGKILL');
    };
    const timer = setTimeout(() => {
      errors.add(`ended by us after ${options.timeoutMs} ms`);
      kill();
    }, options.timeoutMs);
    const outputLines = createLineReader((line) => {
      output.add(line);
      options.onLine?.(line);
    });
    const errorLines = createLineReader(errors.add);
    child.stdout.on('data', outputLines.write).on('end', outputLines.end);
    child.stderr.on('data', errorLines.write).on('end', errorLines.end);
    child.on('error', (error) => errors.add(error.message));
    process.once('exit', kill);
    child.on('close', (exitCode) => {
      clearTimeout(timer);
      process.off('exit', kill);
      resolve({ exitCode, output: output.text(), errorTail: errors.text() });
    });
  });
