import type { DatasetSchema } from '#domain/contracts/dataset.ts';
import type { AggregateScope, AggregateValue } from './aggregates.ts';

export type ViewValue = { readonly name: string; readonly type: 'number' | 'category' };

type Common = {
  readonly name: string;
  readonly entity: readonly string[];
  readonly values: readonly ViewValue[];
  /** `SELECT _row, <values>` over `snapshot`: the values of each row as they were known just before it. */
  readonly sql: string;
};

export type AggregateView = Common & {
  readonly kind: 'aggregate';
  readonly parts: readonly WindowedValue[];
};

export type SqlView = Common & {
  readonly kind: 'sql';
  readonly knownAt: string;
  /** The user's SQL as one SELECT of entity columns, `known_at` and values; `body` reads `events` and the sources. */
  readonly body: string;
};
export type CompiledView = AggregateView | SqlView;

/** One value of an aggregate view with its frame. */
export type WindowedValue = {
  readonly value: AggregateValue;
  readonly windowMs: number;
  /** How long after its event what it reads is known; null: strictly before the row is enough. */
  readonly delayMs: number | null;
};

export type ViewScope = AggregateScope & {
  readonly schema: DatasetSchema;
  readonly eventTime: string;
  /** Names of the further sources that a view's SQL may read. */
  readonly sources: readonly string[];
};
