/** Which windows are given up where clients ask for more than fit: event times are theirs, and may be made up. */

/** A window by its number, and whether all its rows were told. */
export type Occupant = { readonly number: number; readonly isTold: boolean };

/** Rows whose event times say where most rows are: more are no surer, fewer are soon a few clients' own. */
const rowsRemembered = 101;

/** Remembers where rows of late fell, to know what is far from them. */
export class RecentWindows {
  readonly #numbers: number[] = [];
  #at = 0;

  note(number: number): void {
    this.#numbers[this.#at] = number;
    this.#at = (this.#at + 1) % rowsRemembered;
  }

  /** Half of the rows lie on either side of it: invented times move it only where most rows are invented. */
  middle(): number {
    const sorted = this.#numbers.toSorted((left, right) => left - right);
    return sorted[sorted.length >> 1] ?? 0;
  }
}

/**
 * Windows to give up for another one: of those that were told, for they lose nothing, the half that lies farthest from
 * where most rows are; where none was told the farthest alone; none where the new one lies farther than that.
 */
export const windowsToGiveUp = (windows: Iterable<Occupant>, wanted: number, middle: number): number[] => {
  const distance = (number: number): number => Math.abs(number - middle);
  const told: number[] = [];
  let farthest = wanted;
  for (const { number, isTold } of windows) {
    if (isTold) told.push(number);
    if (distance(number) > distance(farthest)) farthest = number;
  }
  if (told.length === 0) return farthest === wanted ? [] : [farthest];
  return told.sort((left, right) => distance(right) - distance(left)).slice(0, Math.ceil(told.length / 2));
};
