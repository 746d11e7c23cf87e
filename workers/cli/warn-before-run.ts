/** What to know of the data before a run of them begins: what is right, and perhaps not meant. What is wrong the run says. */
import type { RunDefinition } from '../../infra/runs/build-request.ts';
import type { Context } from './context.ts';
import { note, paint } from './output.ts';
import { exitOfInterrupt, type Interrupted } from './wait-for-end.ts';

const warningsOf = async (context: Context, { spec, folder }: RunDefinition): Promise<readonly string[]> => {
  const { outlookOf } = await import('./plan/outlook.ts');
  const { frozenSchema } = await import('./spec/current-spec.ts');
  // A look that fails costs no run: what cannot be read is found, and said, by the run.
  const found = await outlookOf(context.config, spec, folder, await frozenSchema(context, spec.name)).catch(() => null);
  return found?.warnings ?? [];
};

/** An interrupt ends the command while it looks: nothing was started. One that comes later finds somebody who listens. */
export const warnBeforeRun = async (
  context: Context,
  definition: RunDefinition,
  interrupted: Promise<Interrupted> | null,
): Promise<void> => {
  const warnings = warningsOf(context, definition);
  const seen = await (interrupted === null ? warnings : Promise.race([warnings, interrupted]));
  if ('interrupt' in seen) {
    note(`no run of ${definition.spec.name} was started`);
    // At once: the look is in a library that cannot be told to stop.
    process.exit(exitOfInterrupt[seen.interrupt]);
  }
  for (const warning of seen) note(`${paint('yellow', 'warning', process.stderr)} ${warning}`);
};
