/**
 * One raw row in, one float32 vector out. Training, evaluation and the server run this same code; a batch differs
 * from a request only in who fills the slots, so both give the same bits.
 */
import type { FeatureSet, FittedFeature, FittedTransform } from '../contracts/feature-set.ts';
import { joinCategories, type RawValue } from './category.ts';
import { entityKey, unseenEntity } from './entity-key.ts';
import { compileStage, oneHotIndex, type SlotReader, type SlotValues, type Stage } from './transforms.ts';

/** One row as it is asked about; timestamps are epoch milliseconds. */
export type RawRow = Readonly<Record<string, RawValue>>;
/** Published values of a view for an entity; undefined where there are none. */
export type ViewLookup = (view: string, entity: string) => Readonly<Record<string, number | string | null>> | undefined;

type FeatureSource = FittedFeature['source'];

/** A raw value that the features read: a column of the row, or a value of a view. */
export type Slot =
  | { readonly kind: 'column'; readonly column: string }
  | { readonly kind: 'view'; readonly view: string; readonly value: string };

export type Vectorizer = {
  /** k, the length of a vector. */
  readonly width: number;
  /** Names of the k numbers. */
  readonly names: readonly string[];
  /** What `applySlots` wants, in order. */
  readonly slots: readonly Slot[];
  /**
   * Writes the vector of a row `[k]` at `offset` of `into` (a new array where absent) and returns it. Missing numbers
   * that no transform filled are NaN. Does not throw for any row; columns that the features do not read are ignored.
   */
  apply(row: RawRow, lookup: ViewLookup, into?: Float32Array, offset?: number): Float32Array;
  /** The same for values that already stand in the order of `slots`. */
  applySlots(values: SlotValues, into: Float32Array, offset: number): void;
};

type Writer = (slots: SlotValues, into: Float32Array, offset: number) => void;
type SlotTable = { readonly slots: Slot[]; readonly indexOf: (slot: Slot) => number };

const createSlotTable = (): SlotTable => {
  const slots: Slot[] = [];
  const indexes = new Map<string, number>();
  const indexOf = (slot: Slot): number => {
    const name = JSON.stringify(slot.kind === 'column' ? [slot.column] : [slot.view, slot.value]);
    const known = indexes.get(name);
    if (known !== undefined) return known;
    indexes.set(name, slots.length);
    return slots.push(slot) - 1;
  };
  return { slots, indexOf };
};

const compileSource = (source: FeatureSource, table: SlotTable): SlotReader => {
  if (source.kind === 'cross') {
    const indexes = source.columns.map((column) => table.indexOf({ kind: 'column', column }));
    return (slots) => joinCategories(indexes.map((index) => slots[index]));
  }
  const index = table.indexOf(source);
  return (slots) => slots[index];
};

const toNumber = (value: RawValue): number => {
  if (typeof value === 'number') return Number.isFinite(value) ? value : Number.NaN;
  if (typeof value === 'boolean') return value ? 1 : 0;
  return Number.NaN;
};

const compose = (stages: readonly Stage[]): Stage => {
  const [first, second] = stages;
  if (first === undefined) return (value) => value;
  if (stages.length === 1) return first;
  if (stages.length === 2) return (value, slots) => (second as Stage)(first(value, slots), slots);
  return (value, slots) => {
    let current = value;
    for (const stage of stages) current = stage(current, slots);
    return current;
  };
};

type OneHot = Extract<FittedTransform, { kind: 'one-hot' }>;
type SingleTransform = Exclude<FittedTransform, OneHot>;

const compileFeature = (feature: FittedFeature, table: SlotTable, start: number): Writer => {
  const read = compileSource(feature.source, table);
  const last = feature.transforms.at(-1);
  const isSpread = last?.kind === 'one-hot';
  const singles = (isSpread ? feature.transforms.slice(0, -1) : feature.transforms) as readonly SingleTransform[];
  const chain = compose(singles.map((transform) => compileStage(transform, (source) => compileSource(source, table))));
  if (!isSpread) {
    return (slots, into, offset) => {
      into[offset + start] = toNumber(chain(read(slots), slots));
    };
  }
  const indexOf = oneHotIndex(last);
  const outputs = feature.outputs.length;
  return (slots, into, offset) => {
    into.fill(0, offset + start, offset + start + outputs);
    const hot = indexOf(chain(read(slots), slots));
    if (hot >= 0) into[offset + start + hot] = 1;
  };
};

type ViewFill = {
  readonly view: string;
  readonly entity: readonly string[];
  readonly targets: readonly { readonly slot: number; readonly value: string }[];
};

const viewFills = (featureSet: FeatureSet, slots: readonly Slot[]): readonly ViewFill[] =>
  featureSet.views
    .map((view) => ({
      view: view.name,
      entity: view.entity,
      targets: slots.flatMap((slot, index) =>
        slot.kind === 'view' && slot.view === view.name ? [{ slot: index, value: slot.value }] : [],
      ),
    }))
    .filter((fill) => fill.targets.length > 0);

const fillView = (fill: ViewFill, row: RawRow, lookup: ViewLookup, values: RawValue[]): void => {
  const key = entityKey(fill.entity.map((column) => row[column]));
  const found = key === null ? undefined : (lookup(fill.view, key) ?? lookup(fill.view, unseenEntity));
  for (const target of fill.targets) values[target.slot] = found?.[target.value];
};

/**
 * Compiles a feature set once into closures; applying them allocates nothing but a cross's text and an entity's key.
 * A vectorizer keeps one scratch row, so it must not be shared between threads.
 */
export const createVectorizer = (featureSet: FeatureSet): Vectorizer => {
  const table = createSlotTable();
  const names = featureSet.features.flatMap((feature) => feature.outputs);
  let start = 0;
  const writers = featureSet.features.map((feature) => {
    const writer = compileFeature(feature, table, start);
    start += feature.outputs.length;
    return writer;
  });
  const { slots } = table;
  const fills = viewFills(featureSet, slots);
  const columns = slots.map((slot) => (slot.kind === 'column' ? slot.column : null));
  const scratch: RawValue[] = slots.map(() => undefined);
  const applySlots = (values: SlotValues, into: Float32Array, offset: number): void => {
    for (let index = 0; index < writers.length; index += 1) (writers[index] as Writer)(values, into, offset);
  };
  return {
    width: names.length,
    names,
    slots,
    applySlots,
    apply: (row, lookup, into = new Float32Array(names.length), offset = 0) => {
      for (let index = 0; index < columns.length; index += 1) {
        const column = columns[index];
        scratch[index] = column === null || column === undefined ? undefined : row[column];
      }
      for (const fill of fills) fillView(fill, row, lookup, scratch);
      applySlots(scratch, into, offset);
      return into;
    },
  };
};
