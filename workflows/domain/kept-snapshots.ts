/** The form of `retention.snapshots` in the pipeline file. */
export const keptSnapshotsPattern = /^champions and ([1-9]\d{0,5}) newest$/;

/** How many of the newest snapshots are kept beside those of champions. Throws RangeError for a text of another form. */
export const newestKept = (text: string): number => {
  const found = keptSnapshotsPattern.exec(text);
  if (found === null) throw new RangeError(`Cannot read "${text}" as it must be of the form "champions and 10 newest"`);
  return Number(found[1]);
};
