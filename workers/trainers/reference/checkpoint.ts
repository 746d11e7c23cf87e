import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { MinimiserState } from './minimise.ts';

const file = (folder: string): string => join(folder, 'reference.json');
const encode = (numbers: Float64Array): string =>
  Buffer.from(numbers.buffer, numbers.byteOffset, numbers.byteLength).toString('base64');
const decode = (text: string): Float64Array => new Float64Array(new Uint8Array(Buffer.from(text, 'base64')).buffer);

/** Writes the whole state, to the last bit. Written under another name first: a reader sees all of it or the one before. */
export const saveCheckpoint = (folder: string, trainingKey: string, state: MinimiserState): void => {
  const written = {
    trainingKey,
    iteration: state.iteration,
    value: state.value,
    weights: encode(state.weights),
    gradient: encode(state.gradient),
    steps: state.steps.map(encode),
    changes: state.changes.map(encode),
  };
  mkdirSync(folder, { recursive: true });
  const temporary = join(folder, `reference.${process.pid}.tmp`);
  writeFileSync(temporary, JSON.stringify(written));
  renameSync(temporary, file(folder));
};

/** The state of an earlier attempt of the same training; null where there is none that can be used. */
export const loadCheckpoint = (folder: string, trainingKey: string, size: number): MinimiserState | null => {
  try {
    const read = JSON.parse(readFileSync(file(folder), 'utf8'));
    const state: MinimiserState = {
      iteration: read.iteration,
      value: read.value,
      weights: decode(read.weights),
      gradient: decode(read.gradient),
      steps: read.steps.map(decode),
      changes: read.changes.map(decode),
    };
    return read.trainingKey === trainingKey && state.weights.length === size ? state : null;
  } catch {
    return null;
  }
};
