import type { Instant, PipelineName } from '#domain/units.ts';
import type { ReportData } from './data.ts';
import { type ReportOptions, type ReportSources, readPipelineReport } from './read/pipeline.ts';

/** The report of several pipelines as they stand now: one story in one file. Writes nothing. */
export const readReportData = async (
  sources: ReportSources,
  pipelines: readonly PipelineName[],
  { title, madeAt, ...options }: ReportOptions & { readonly title: string; readonly madeAt: Instant },
): Promise<ReportData> => ({
  title,
  madeAt,
  pipelines: await Promise.all(pipelines.map((name) => readPipelineReport(sources, name, options))),
});
