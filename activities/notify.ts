/** What workflows leave behind for people: decisions, and notices in the outbox. */
import type { DecisionRecord } from '#domain/contracts/decision.ts';
import type { Notice } from '#domain/contracts/notice.ts';
import { parseStoredDefinition } from '../infra/schemas/stored-definition.ts';
import type { CpuDeps, PipelineSpec } from './deps.ts';

export const createRecordDecision =
  (deps: Pick<CpuDeps, 'decisions'>) =>
  (input: DecisionRecord): Promise<void> =>
    deps.decisions.record(input);

export const createRecordDecisions =
  (deps: Pick<CpuDeps, 'decisions'>) =>
  async ({ decisions }: { readonly decisions: readonly DecisionRecord[] }): Promise<void> => {
    // One after the other: their ids are the order in which they are read.
    for (const decision of decisions) await deps.decisions.record(decision);
  };

const addressees = (spec: PipelineSpec, event: Notice['event']) => {
  // An address that stands twice is told once.
  const wanted = new Map(spec.notify.filter(({ on }) => on.includes(event)).map((one) => [one.to, one]));
  return [...wanted.values()].map(({ to, as, secret }) => ({ to, as, secret: secret?.slice(2, -1) ?? null }));
};

/** Whom to tell is said by the definition that is applied now: a person who was added today wants to hear today. */
export const createSendNotice =
  (deps: Pick<CpuDeps, 'definitions' | 'notices'>) =>
  async (notice: Notice): Promise<{ readonly addressees: number }> => {
    const current = await deps.definitions.current(notice.pipeline);
    if (current === null) return { addressees: 0 };
    const deliveries = addressees(parseStoredDefinition(current.file, `notify of "${notice.pipeline}"`), notice.event);
    await deps.notices.put(notice, deliveries);
    return { addressees: deliveries.length };
  };
