/** Writing SQL: names and texts are quoted here and nowhere else. */
export const quoteName = (name: string): string => `"${name.replaceAll('"', '""')}"`;
export const quoteText = (text: string): string => `'${text.replaceAll("'", "''")}'`;
export const quoteTexts = (texts: readonly string[]): string => `[${texts.map(quoteText).join(', ')}]`;

/** A number as SQL reads it back exactly. */
export const sqlNumber = (value: number): string => (Number.isInteger(value) ? `${value}` : `${value}::DOUBLE`);

/** A relation over Parquet files; files without some column give NULL there. */
export const parquetOf = (files: readonly string[], options = ''): string =>
  `read_parquet(${quoteTexts(files)}, hive_partitioning = false, union_by_name = true${options})`;
