/** Processes by descent, and what they take, as Linux counts it. */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { identify, type ProcessIdentity } from '../../../infra/state/processes.ts';

/** Clock ticks of the processor a second, as Linux counts them for processes. */
const ticksPerSecond = 100;

type Stat = { readonly parent: number; readonly processorMs: number; readonly memoryBytes: number };

const pageBytes = 4096;

const statOf = (pid: number): Stat | null => {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? [];
    const [own = 0, shared = 0] = readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ').slice(1, 3).map(Number);
    const ticks = Number(fields[11]) + Number(fields[12]);
    // Pages that a process shares with others (PostgreSQL's buffers) are not its own.
    return { parent: Number(fields[1]), processorMs: (ticks / ticksPerSecond) * 1_000, memoryBytes: (own - shared) * pageBytes };
  } catch {
    return null;
  }
};

/** Of each process of the machine, the one that started it. */
const parents = (): ReadonlyMap<number, number> => {
  if (process.platform !== 'linux') {
    const lines = execFileSync('ps', ['-A', '-o', 'pid=,ppid='], { encoding: 'utf8' }).trim().split('\n');
    return new Map(lines.map((line) => line.trim().split(/\s+/).map(Number) as [number, number]));
  }
  return new Map(
    readdirSync('/proc').flatMap((name): [number, number][] => {
      const found = /^\d+$/.test(name) ? statOf(Number(name)) : null;
      return found === null ? [] : [[Number(name), found.parent]];
    }),
  );
};

/** A process and all that it started. */
const familyOf = (pid: number): ReadonlySet<number> => {
  const all = parents();
  const family = new Set([pid]);
  for (let size = 0; size !== family.size; ) {
    size = family.size;
    for (const [child, parent] of all) if (family.has(parent)) family.add(child);
  }
  return family;
};

/** All that run and were started by a process, or by those that it started. */
export const descendantsOf = (pid: number): readonly ProcessIdentity[] =>
  [...familyOf(pid)].flatMap((member) => (member === pid ? [] : (identify(member) ?? [])));

/** Those that a process itself started and that run, the first started first. */
export const childrenOf = (pid: number): readonly ProcessIdentity[] =>
  [...parents()]
    .filter(([, parent]) => parent === pid)
    .flatMap(([child]) => identify(child) ?? [])
    .toSorted((one, other) => one.pid - other.pid);

/** A process and all that it started, together; a child that ends between two looks takes its time with it. */
export const usageOf = (pid: number): Pick<Stat, 'processorMs' | 'memoryBytes'> => {
  const members = [...familyOf(pid)].flatMap((member) => statOf(member) ?? []);
  const sum = (of: (one: Stat) => number): number => members.reduce((total, one) => total + of(one), 0);
  return { processorMs: sum((one) => one.processorMs), memoryBytes: sum((one) => one.memoryBytes) };
};
