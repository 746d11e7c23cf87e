import type { ArmName } from '#domain/contracts/capture.ts';
import { assignArm, hashOfText } from '#domain/decide/assign-arm.ts';
import { joinCategories, type RawValue } from '#domain/features/category.ts';
import type { ServedVersion, Serving, ServingRollout } from '../model/serving.ts';

/** What a split is drawn over, as a text that says no name: the same unit has the same hash in every rollout. */
export type Unit = { readonly hash: string; readonly number: number };

/** The rows of one request that one arm answers. */
export type Portion = {
  readonly arm: ArmName;
  readonly version: ServedVersion;
  /** Places of the rows in the request; null: all of them. */
  readonly places: readonly number[] | null;
  /** Of each row; null where a row is its own unit, or rather its request is. */
  readonly units: readonly (Unit | null)[];
};

const high = 2 ** 21;

const unitOf = (text: string): Unit => {
  const [one, two] = [hashOfText(text, 1), hashOfText(text, 2)];
  const hash = one.toString(16).padStart(8, '0') + two.toString(16).padStart(8, '0');
  return { hash, number: one * high + (two >>> 11) };
};

const isScalar = (value: unknown): value is RawValue => typeof value !== 'object' && typeof value !== 'function';

/** The text of the fields that name who stays with an arm; null where one of them is missing or is no plain value. */
const namedBy = (by: readonly string[], row: unknown): string | null => {
  if (by.length === 0 || typeof row !== 'object' || row === null) return null;
  const values = by.map((name) => (Object.hasOwn(row, name) ? (row as Record<string, unknown>)[name] : null));
  return values.every(isScalar) ? joinCategories(values) : null;
};

/** The longest header that names a unit; a longer one is cut, the same way each time. */
const mostHeader = 500;

/**
 * What one row is dealt by: its own `by` fields, else the header `perennial-unit`, else the request, by the id of its first
 * prediction.
 */
const dealtBy = ({ by }: ServingRollout, row: unknown, header: string | null): string | null =>
  namedBy(by, row) ?? header?.slice(0, mostHeader) ?? null;

/** The arm of a request of which nothing but its header is known: one that was shed. */
export const dealBlind = (rollout: ServingRollout, header: string | null, id: string): { arm: ArmName; isUnit: boolean } => ({
  arm: rollout.strategy === 'shadow' ? 'champion' : assignArm(rollout, header ?? id),
  isUnit: rollout.by.length === 0 && header === null,
});

const wholeOf = (serving: Serving, rows: number): Portion => ({
  arm: 'champion',
  version: serving,
  places: null,
  units: rows === 1 ? ownUnit : Array.from({ length: rows }, () => null),
});
const ownUnit: readonly (Unit | null)[] = [null];

/**
 * Deals the rows of one request to the arms. Rows of one unit are always of one arm, whatever they come with, so that a
 * request of many rows may be answered by both; then each row's answer names its own version. In a shadow the champion
 * answers all.
 */
export const deal = (serving: Serving, rows: readonly unknown[], header: string | null, firstId: string): readonly Portion[] => {
  const { rollout } = serving;
  if (rollout === null || rollout.strategy === 'shadow') return [wholeOf(serving, rows.length)];
  const texts = rows.map((row) => dealtBy(rollout, row, header));
  const arms = texts.map((text) => assignArm(rollout, text ?? firstId));
  const portionOf = (arm: ArmName): Portion => {
    const places = [...arms.keys()].filter((place) => arms[place] === arm);
    const units = places.map((place) => {
      const text = texts[place];
      return text === null || text === undefined ? null : unitOf(text);
    });
    return {
      arm,
      version: arm === 'champion' ? serving : rollout.candidate,
      places: places.length === rows.length ? null : places,
      units,
    };
  };
  return [...new Set(arms)].map(portionOf);
};

/** Whether a shadow compares this request, and by whom it was drawn. */
export const isShadowed = (rollout: ServingRollout, row: unknown, header: string | null, firstId: string): boolean =>
  assignArm(rollout, dealtBy(rollout, row, header) ?? firstId) === 'candidate';
