/** The window that is shown in full: its variables with their states, and the distributions that are worth drawing. */
import { type DriftReport, driftReportSchema, type VariableDrift } from '#domain/contracts/drift-report.ts';
import { type DriftJudgement, driftMemorySchema, driftPolicySchema } from '#domain/contracts/drift-state.ts';
import {
  type CellCounts,
  type Layout,
  type ProfiledVariable,
  type ReferenceProfile,
  referenceProfileSchema,
} from '#domain/contracts/reference-profile.ts';
import { nextDriftState, startDriftMemory } from '#domain/decide/drift/next-drift-state.ts';
import { observeReport } from '#domain/decide/drift/observe-report.ts';
import { defaultDriftPolicy } from '#domain/decide/drift/policy.ts';
import { chooseComparison, referenceOf } from '#domain/stats/drift/comparator.ts';
import { rowsInCells } from '#domain/stats/summaries/cell-counts.ts';
import type { WindowTotal } from '#domain/stats/summaries/flush-ledger.ts';
import { addWindows } from '#domain/stats/summaries/window-counts.ts';
import type { ContentStore } from '../../objects/store.ts';
import type { RecordedDecision } from '../../postgres/decisions.ts';
import type { MeasuredWindow } from '../../postgres/watch-reports.ts';
import type { Cell, Distribution, PipelineReport, VariableRow } from '../data.ts';
import { number } from '../words.ts';

/** Some 8 KB each: so many leave a report of a hundred features far below 1 MB. */
const mostDrawn = 12;

type Shown = Pick<PipelineReport, 'window' | 'driftLevel' | 'variables' | 'distributions' | 'notDrawn' | 'reference'>;
export const nothingShown: Shown = {
  window: null,
  driftLevel: null,
  variables: [],
  distributions: [],
  notDrawn: 0,
  reference: { scoreMean: null, positiveShare: null },
};

export type WindowSources = {
  readonly content: Pick<ContentStore, 'getJson'>;
  readonly measured: MeasuredWindow;
  /** Of this very window; undefined where none was made yet. */
  readonly decision: RecordedDecision | undefined;
  /** Counters of the window, by arm. */
  readonly totals: readonly WindowTotal[];
};

/** The judgement as the watch made it, made again from what it recorded; without a record, from nothing remembered. */
const judge = (report: DriftReport, decision: RecordedDecision | undefined): { judged: DriftJudgement; level: number } => {
  const input = decision?.record.input as { policy?: unknown; memory?: unknown } | undefined;
  const observation = observeReport(report);
  const policy = driftPolicySchema.safeParse(input?.policy).data ?? defaultDriftPolicy;
  const fresh = startDriftMemory({
    sha256: report.profileSha256,
    features: report.features.length,
    predictions: report.predictions.length,
  });
  const memory = driftMemorySchema.safeParse(input?.memory).data ?? fresh;
  return { judged: nextDriftState(policy, memory, observation), level: policy.enter };
};

const rowsOf = (
  kind: VariableRow['kind'],
  variables: readonly VariableDrift[],
  judged: DriftJudgement['features'],
): VariableRow[] =>
  variables.map((one, place) => ({
    kind,
    name: one.name,
    critical: one.critical,
    rows: one.rows,
    sufficient: one.sufficient,
    psi: one.psi,
    debiasedPsi: one.debiasedPsi,
    psiUpperLimit: one.psiUpperLimit,
    adjustedPValue: one.adjustedPValue,
    state: judged[place]?.state ?? 'insufficient',
    reason: judged[place]?.reason ?? '',
  }));

const numericLabels = (edges: readonly number[]): string[] =>
  edges.length === 0
    ? ['any']
    : [
        `≤ ${number(edges[0] as number)}`,
        ...edges.slice(1).map((edge, place) => `${number(edges[place] as number)} to ${number(edge)}`),
        `> ${number(edges.at(-1) as number)}`,
      ];

export const labelsOf = (layout: Layout): string[] =>
  layout.kind === 'numeric' ? numericLabels(layout.edges) : [...layout.values, 'others', 'new ones'];

/** Cells that neither side has are left out: of a hundred rare categories most say nothing. */
export const cellsOf = (layout: Layout, reference: CellCounts, current: CellCounts): Cell[] => {
  const [before, now] = [rowsInCells(reference), rowsInCells(current)];
  const edges = layout.kind === 'numeric' ? layout.edges : [];
  const cells = labelsOf(layout).map((label, place) => ({
    label,
    ...(edges[place] !== undefined && { edge: edges[place] }),
    reference: before === 0 ? 0 : (reference.cells[place] ?? 0) / before,
    current: now === 0 ? 0 : (current.cells[place] ?? 0) / now,
  }));
  return cells.filter((cell) => layout.kind === 'numeric' || cell.reference > 0 || cell.current > 0);
};

type Counted = { readonly variable: ProfiledVariable; readonly counts: CellCounts };

/** Variables in the order of the rows: features, then scores, then classes. */
const countedOf = (profile: ReferenceProfile, total: WindowTotal): Counted[] => [
  ...profile.features.map((variable, place) => ({ variable, counts: total.features[place]?.counts as CellCounts })),
  ...profile.scores.map((variable, place) => ({ variable, counts: total.scores[place]?.counts as CellCounts })),
  ...(profile.predictions === null || total.predictions === null
    ? []
    : [{ variable: profile.predictions, counts: total.predictions }]),
];

/** What makes a variable worth a plot beside its own state: that its data are broken, or that it moved while nothing was judged. */
type Worth = { readonly broken: ReadonlySet<string | null>; readonly level: number };

const isWorthDrawing = ({ name, state, critical, kind, debiasedPsi }: VariableRow, { broken, level }: Worth): boolean =>
  critical ||
  kind === 'prediction' ||
  ['drift', 'warn', 'recovering'].includes(state) ||
  broken.has(name) ||
  (debiasedPsi ?? 0) >= level;

/** The most moved first; answers of the model before all. */
const byMove = (a: VariableRow, b: VariableRow): number =>
  Number(b.kind === 'prediction') - Number(a.kind === 'prediction') || (b.debiasedPsi ?? -1) - (a.debiasedPsi ?? -1);

const distributionsOf = (
  profile: ReferenceProfile,
  report: DriftReport,
  rows: readonly VariableRow[],
  totals: readonly WindowTotal[],
  level: number,
): Distribution[] => {
  const [first, ...others] = totals;
  if (first === undefined) return [];
  const total = others.reduce<WindowTotal>((sum, one) => ({ ...sum, ...addWindows(sum, one) }), first);
  const counted = countedOf(profile, total);
  const comparison = chooseComparison(profile, report);
  const worth: Worth = { broken: new Set(report.breaches.map(({ variable }) => variable)), level };
  const statementOf = ({ name }: VariableRow): string | null =>
    report.breaches.find(({ variable }) => variable === name)?.statement ?? null;
  const isBroken = ({ breach }: Distribution): number => Number(breach !== null);
  return rows
    .flatMap((row, place) => {
      const found = counted[place];
      if (found === undefined || found.variable.name !== row.name || !isWorthDrawing(row, worth)) return [];
      const reference = referenceOf(found.variable, comparison);
      const cells = cellsOf(found.variable.layout, reference, found.counts);
      return [{ row, breach: statementOf(row), cells, referenceRows: rowsInCells(reference), rows: rowsInCells(found.counts) }];
    })
    .sort((a, b) => isBroken(b) - isBroken(a) || byMove(a.row, b.row));
};

/** What the reference answered; a class is positive where two are told apart as true and false. */
const answersOf = ({ scores, predictions }: ReferenceProfile): Shown['reference'] => {
  const classes = predictions?.layout.kind === 'categorical' ? predictions.layout.values : [];
  const rows = predictions === null ? 0 : rowsInCells(predictions.reference);
  const positives = predictions?.reference.cells[classes.indexOf('true')];
  return {
    scoreMean: scores.length === 1 ? (scores[0]?.moments?.mean ?? null) : null,
    positiveShare: classes.length === 2 && rows > 0 && positives !== undefined ? positives / rows : null,
  };
};

export const readWindow = async ({ content, measured, decision, totals }: WindowSources): Promise<Shown> => {
  const [stored, storedProfile] = await Promise.all([content.getJson(measured.sha256), content.getJson(measured.profileSha256)]);
  const report = driftReportSchema.parse(stored);
  const profile = referenceProfileSchema.parse(storedProfile);
  const { judged, level } = judge(report, decision);
  const rows = [
    ...rowsOf('feature', report.features, judged.features),
    ...rowsOf('prediction', report.predictions, judged.predictions),
  ].map((row) => (report.breaches.length === 0 ? row : { ...row, state: 'not judged' }));
  const distributions = distributionsOf(profile, report, rows, totals, level);
  return {
    window: {
      from: report.from,
      to: report.to,
      rows: report.rows,
      comparator: report.comparator,
      verdict: { outcome: judged.verdict.outcome, reason: judged.verdict.reason },
      breaches: report.breaches,
      warnings: report.warnings,
    },
    driftLevel: level,
    variables: [...rows].sort(byMove),
    distributions: distributions.slice(0, mostDrawn),
    notDrawn: Math.max(0, distributions.length - mostDrawn),
    reference: answersOf(profile),
  };
};
