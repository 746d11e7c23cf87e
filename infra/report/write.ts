import { mkdir, rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { ReportData } from './data.ts';
import { renderReport } from './page.ts';

/** Writes the report as one self-contained HTML file, whole or not at all; folders are made. Returns its bytes. */
export const writeDriftReport = async (data: ReportData, file: string): Promise<number> => {
  const text = renderReport(data);
  await mkdir(dirname(file), { recursive: true });
  const partial = `${file}.${process.pid}.partial`;
  await writeFile(partial, text);
  await rename(partial, file);
  return Buffer.byteLength(text);
};
