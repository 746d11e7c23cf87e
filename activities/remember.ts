import type { Sha256 } from '#domain/units.ts';
import type { CpuDeps } from './deps.ts';

/**
 * Does a step's work once per key: a recorded result is returned as it is, as long as what it points to is still in
 * the store (garbage collection may have taken it). Of two attempts that end at once, both return the first's result.
 */
export const rememberStep = async <Result>(
  deps: Pick<CpuDeps, 'ledger' | 'content'>,
  step: string,
  key: Sha256,
  pointsTo: (result: Result) => Sha256,
  work: () => Promise<Result>,
): Promise<Result> => {
  const found = (await deps.ledger.find(key)) as Result | null;
  if (found !== null && (await deps.content.has(pointsTo(found)))) return found;
  return (await deps.ledger.record(key, step, await work())) as Result;
};
