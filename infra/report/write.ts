import { rename, stat, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { PerennialError } from '#domain/errors.ts';
import type { ReportData } from './data.ts';
import { renderReport } from './page.ts';

/** A folder that is not there is a path mistyped: to make it would hide the report from who looks for it. */
const requireFolder = async (file: string): Promise<void> => {
  const found = await stat(dirname(file)).catch(() => null);
  if (found?.isDirectory()) return;
  throw new PerennialError('PRN_USAGE', `Cannot write "${file}": there is no folder "${dirname(file)}"`);
};

/** Writes the report as one self-contained HTML file, whole or not at all. Returns its bytes. Throws PRN_USAGE without its folder. */
export const writeDriftReport = async (data: ReportData, file: string): Promise<number> => {
  await requireFolder(file);
  const text = renderReport(data);
  const partial = `${file}.${process.pid}.partial`;
  await writeFile(partial, text);
  await rename(partial, file);
  return Buffer.byteLength(text);
};
