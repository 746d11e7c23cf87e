/**
 * A snapshot of a `files` source of 500 MB in 200 files, from listing to frozen manifest, against `sha256sum` of the same
 * files; then the same with one file more. Parameters: [turns, 3] [megabytes, 500] [files, 200].
 */
import { execFile } from 'node:child_process';
import { randomFillSync } from 'node:crypto';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { PipelineFile } from '#domain/contracts/pipeline-spec/pipeline-spec.ts';
import { compare, timed, withBenchPlace } from '../activities/support/data-bench.ts';

const run1 = promisify(execFile);
const pipeline = (path: string): PipelineFile => ({ name: 'files', data: { source: { type: 'files', path }, label: 'kind' } });

const writeFiles = (folder: string, from: number, count: number, bytes: number): void => {
  mkdirSync(folder, { recursive: true });
  const buffer = Buffer.alloc(bytes);
  for (let index = from; index < from + count; index++) {
    randomFillSync(buffer);
    writeFileSync(join(folder, `${String(index).padStart(4, '0')}.bin`), buffer);
  }
};

export const run = (parameters: readonly string[]): Promise<void> =>
  withBenchPlace(async (steps, folder) => {
    const [turns, megabytes, files] = [Number(parameters[0] ?? 3), Number(parameters[1] ?? 500), Number(parameters[2] ?? 200)];
    const bytes = Math.floor((megabytes * 1e6) / files);
    const source = (turn: number) => join(folder, `lake-${turn}`);
    let turn = 0;
    let more = 0;
    await compare({
      named: 'sha256sum',
      turns,
      goal: 1.1,
      theirs: async () => {
        writeFiles(source((turn += 1)), 0, files, bytes);
        return timed(() => run1('sh', ['-c', 'sha256sum *.bin'], { cwd: source(turn), maxBuffer: 1 << 26 }));
      },
      ours: async () => {
        const timing = await timed(() => steps.snapshot(pipeline(source(turn))));
        writeFiles(source(turn), files, 1, bytes);
        const again = await timed(() => steps.snapshot(pipeline(source(turn))));
        more = again.ms;
        rmSync(source(turn), { recursive: true });
        return timing;
      },
    });
    process.stdout.write(`one file more: ${more.toFixed(0)} ms\n`);
  });
