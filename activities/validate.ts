import { dirname, join } from 'node:path';
import {
  type Batch,
  batchSchema,
  datasetManifestSchema,
  type ValidationFinding,
  type ValidationReport,
  validationReportSchema,
} from '#domain/contracts/dataset.ts';
import type { PipelineSpec } from '#domain/contracts/pipeline-spec/pipeline-spec.ts';
import { digestOfJson } from '../infra/objects/digest.ts';
import { mapParallel } from '../infra/objects/parallel.ts';
import { brokenRows, type PlannedCheck, planCheck } from '../infra/tabular/checks.ts';
import { type Duck, withDuckDb } from '../infra/tabular/duckdb.ts';
import { findingsOf, type NewValues } from '../infra/tabular/findings.ts';
import { type BatchMeasure, measureBatch } from '../infra/tabular/measure.ts';
import { findNewValues } from '../infra/tabular/new-values.ts';
import { type LocalPart, writeQuarantine } from '../infra/tabular/quarantine.ts';
import { parquetOf } from '../infra/tabular/sql.ts';
import type { RunRef } from '../workflows/run-ref.ts';
import type { CpuSteps, ValidateSummary } from '../workflows/steps.ts';
import type { CpuDeps } from './deps.ts';
import { readSpec } from './ingest.ts';
import { rememberStep } from './remember.ts';
import type { StepContext } from './step-context.ts';

/** Part of the ledger's key: raise it whenever the same batch would be judged otherwise. */
const validateVersion = 1;

export type ValidateDeps = Pick<CpuDeps, 'ledger' | 'definitions' | 'snapshots' | 'content' | 'scratch' | 'limits'>;
type ValidateInput = RunRef & { readonly batchSha256: Batch['listingSha256'] };
type Work = {
  readonly deps: ValidateDeps;
  readonly spec: PipelineSpec;
  readonly batch: Batch;
  readonly batchSha256: Batch['listingSha256'];
  readonly context: StepContext | undefined;
  readonly folder: string;
};

/** Tables of a batch's main source as local files; files that are kept as they are have no columns to judge. */
export const localParts = (content: ValidateDeps['content'], parts: Batch['parts']): Promise<readonly LocalPart[]> =>
  mapParallel(
    parts.filter((part) => part.source === 'main' && part.kind === 'parquet'),
    8,
    async (part) => ({ part, file: await content.localFile(part.sha256) }),
  );

export const foldersOf = (parts: readonly LocalPart[]): string[] => [...new Set(parts.map((local) => dirname(local.file)))];

/** Parts of the newest snapshot that this batch does not share: only new parts can bring new values. */
const partsBefore = async (work: Work): Promise<readonly LocalPart[]> => {
  const isAsked = work.batch.schema.columns.some((column) => column.type === 'category' && column.new_values !== 'allow');
  const [newest] = isAsked ? await work.deps.snapshots.list(work.batch.pipeline) : [];
  if (!newest) return [];
  const manifest = datasetManifestSchema.parse(await work.deps.content.getJson(newest.sha256));
  return localParts(work.deps.content, manifest.parts);
};

type Measured = { readonly measure: BatchMeasure; readonly newValues: readonly NewValues[]; readonly quarantinedRows: number };

const addExamples = async (db: Duck, measure: BatchMeasure, relation: string): Promise<BatchMeasure> => {
  const checks = [];
  for (const found of measure.checks) {
    if (found.broken === 0 || found.check.kind !== 'row') checks.push(found);
    else {
      const rows = await db.rows<{ text: string }>(
        `SELECT to_json(q)::VARCHAR AS text FROM (${brokenRows(found.check, relation)} LIMIT 5) q`,
      );
      checks.push({ ...found, examples: rows.map((row) => row.text) });
    }
  }
  return { ...measure, checks };
};

const isQuarantine = (check: PlannedCheck): boolean => check.spec.severity === 'quarantine';

const measureParts = async (work: Work, parts: readonly LocalPart[], before: readonly LocalPart[]): Promise<Measured> => {
  const { deps, batch, folder } = work;
  const options = { folder, ...deps.limits, allowedFolders: foldersOf([...parts, ...before]), signal: work.context?.signal };
  return withDuckDb(options, async (db) => {
    const relation = parquetOf(parts.map((local) => local.file));
    await db.run(`CREATE TABLE shape AS SELECT * FROM ${parquetOf([(parts[0] as LocalPart).file])} LIMIT 0`);
    const checks: PlannedCheck[] = [];
    for (const check of work.spec.data.checks) checks.push(await planCheck(db, check, batch.schema));
    const measure = await addExamples(db, await measureBatch(db, batch.schema, checks, relation), relation);
    work.context?.heartbeat({ does: 'measured', rows: measure.rows });
    const newValues = await findNewValues(db, batch.schema, parts, before);
    const broken = measure.checks.filter((found) => found.broken > 0).map((found) => found.check);
    const aside = newValues.filter((found) => found.severity === 'quarantine' && found.rows > 0);
    const quarantinedRows = await writeQuarantine(
      db,
      parts,
      broken.filter(isQuarantine),
      aside,
      join(folder, 'quarantine.parquet'),
    );
    return { measure, newValues, quarantinedRows };
  });
};

const report = async (work: Work): Promise<ValidationReport> => {
  const parts = await localParts(work.deps.content, work.batch.parts);
  const measured = parts.length === 0 ? null : await measureParts(work, parts, await partsBefore(work));
  const quarantinedRows = measured?.quarantinedRows ?? 0;
  const findings = findingsOf({
    data: work.spec.data,
    batch: work.batch,
    measure: measured?.measure ?? null,
    newValues: measured?.newValues ?? [],
    quarantinedRows,
    nowMs: Date.now(),
  });
  const sha256 = quarantinedRows === 0 ? null : (await work.deps.content.putFile(join(work.folder, 'quarantine.parquet'))).sha256;
  return {
    format: 1,
    batchSha256: work.batchSha256,
    rows: work.batch.rows,
    findings,
    quarantined: { rows: quarantinedRows, sha256 },
  };
};

const failing = (findings: readonly ValidationFinding[], severity: ValidationFinding['severity']): ValidationFinding[] =>
  findings.filter((finding) => !finding.holds && finding.severity === severity);

/** A share of rejected rows alone sends its reader searching: the commonest reason says column, file, line and value. */
const named = (finding: ValidationFinding): string => {
  if (finding.check === 'rejected') return [finding.statement, ...finding.examples.slice(0, 1)].join(', most of all ');
  return ['schema', 'rows', 'freshness'].includes(finding.check) ? finding.statement : `${finding.check}: ${finding.statement}`;
};

const summarise = async (work: Work): Promise<ValidateSummary> => {
  const made = await report(work);
  return {
    reportSha256: await work.deps.content.putJson(validationReportSchema.parse(made)),
    rows: made.rows,
    rejectedRows: work.batch.rejected.rows,
    quarantinedRows: made.quarantined.rows,
    failures: failing(made.findings, 'fail').map(named).slice(0, 10),
    warnings: failing(made.findings, 'warn').length,
  };
};

/**
 * Evidence about a batch: its schema and the named expectations, by one statement over its parts; rows that checks of
 * severity "quarantine" name are set aside. Decides nothing. Idempotency key: batch, data part of the definition.
 * What is compared with the snapshot before, or with the clock, is what the first attempt saw.
 */
export const createValidate =
  (deps: ValidateDeps) =>
  async (input: ValidateInput, context?: StepContext): ReturnType<CpuSteps['validateBatch']> => {
    const spec = await readSpec(deps, input);
    const identity = { step: 'validate', version: validateVersion, batch: input.batchSha256, data: spec.data };
    return rememberStep(
      deps,
      'validateBatch',
      digestOfJson(identity),
      (summary: ValidateSummary) => summary.reportSha256,
      async () => {
        const batch = batchSchema.parse(await deps.content.getJson(input.batchSha256));
        return deps.scratch.withFolder('validate', (folder) =>
          summarise({ deps, spec, batch, batchSha256: input.batchSha256, context, folder }),
        );
      },
    );
  };
