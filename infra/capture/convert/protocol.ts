/** What the process that writes Parquet is told, and what it answers. */

/** A closed piece of a server's log. */
export type SegmentFile = { readonly file: string; readonly epoch: string; readonly segment: number };

export type ConvertJob = {
  readonly segments: readonly SegmentFile[];
  /** Empty, and nobody else's; Parquet files come here. */
  readonly folder: string;
  readonly memoryMiB: number;
  /** Columns of `data.key` by pipeline; a pipeline that is not named has none. */
  readonly keys: Readonly<Record<string, readonly string[]>>;
};

/** Of one segment: one Parquet file for each pipeline and hour of the answer. */
export type WrittenPart = {
  readonly pipeline: string;
  readonly hour: string;
  readonly file: string;
  readonly rows: number;
  readonly firstEventAt: string | null;
  readonly lastEventAt: string | null;
};

export type ConvertedSegment = {
  readonly segment: SegmentFile;
  readonly parts: readonly WrittenPart[];
  /** Lines that are no record. */
  readonly unreadable: number;
};
