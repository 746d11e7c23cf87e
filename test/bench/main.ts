/** `npm run bench -- NAME …`: runs one comparison; each module here exports `run`, and says in its head what it compares. */
import { readdirSync } from 'node:fs';
import { leaveNothing } from './support/nothing-left.ts';

export type Bench = { readonly run: (parameters: readonly string[]) => Promise<void> };

const known = readdirSync(import.meta.dirname)
  .filter((file) => file.endsWith('.ts') && file !== 'main.ts')
  .map((file) => file.slice(0, -'.ts'.length));

const isBench = (module: unknown): module is Bench => typeof (module as Partial<Bench>).run === 'function';

const load = async (name: string): Promise<Bench | null> => {
  if (!known.includes(name)) return null;
  const module: unknown = await import(`./${name}.ts`);
  return isBench(module) ? module : null;
};

const [name = '', ...parameters] = process.argv.slice(2);
const bench = await load(name);
if (bench === null) {
  process.stderr.write(`Usage: npm run bench -- NAME [PARAMETERS], where NAME is one of: ${known.join(', ') || '(none yet)'}\n`);
  process.exitCode = 2;
} else {
  await leaveNothing(() => bench.run(parameters));
}
