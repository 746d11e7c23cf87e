/** What processes take, as Linux counts it. */
import { readdirSync, readFileSync } from 'node:fs';

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

/** A process and all that it started, together; a child that ends between two looks takes its time with it. */
export const usageOf = (pid: number): Pick<Stat, 'processorMs' | 'memoryBytes'> => {
  const all = new Map(
    readdirSync('/proc').flatMap((name): [number, Stat][] => {
      const found = /^\d+$/.test(name) ? statOf(Number(name)) : null;
      return found === null ? [] : [[Number(name), found]];
    }),
  );
  const family = new Set([pid]);
  for (let size = 0; size !== family.size; ) {
    size = family.size;
    for (const [child, { parent }] of all) if (family.has(parent)) family.add(child);
  }
  const members = [...family].flatMap((member) => all.get(member) ?? []);
  const sum = (of: (one: Stat) => number): number => members.reduce((total, one) => total + of(one), 0);
  return { processorMs: sum((one) => one.processorMs), memoryBytes: sum((one) => one.memoryBytes) };
};
