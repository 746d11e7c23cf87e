/** The sentence above a plot: what it shows, with the numbers, so that the plot is the proof and not the riddle. */
import type {
  CalibrationPoint,
  Distribution,
  Performance,
  PerformancePoint,
  PipelineReport,
  RolloutStory,
  VariableRow,
  WindowPoint,
} from './data.ts';
import { many, number, share, spanOf } from './words.ts';

const sizeOf = ({ debiasedPsi, psiUpperLimit }: VariableRow): string =>
  debiasedPsi === null ? 'no PSI' : `PSI ${number(debiasedPsi)}, at most ${number(psiUpperLimit)}`;

const limit = (level: number | null): string => (level === null ? '' : `, drift from ${number(level)}`);

export const distributionFinding = ({ row, breach }: Distribution, level: number | null): string => {
  const { name, state } = row;
  if (breach !== null) return `${name} is broken: ${breach} (${sizeOf(row)})`;
  const told: Readonly<Record<string, string>> = {
    drift: `${name} has drifted`,
    warn: `${name} moves`,
    recovering: `${name} comes back`,
    insufficient: `${name}: too few rows to tell`,
    'not judged': `${name} is not judged, as data of this window are broken`,
  };
  const isMoved = level !== null && (row.debiasedPsi ?? 0) >= level;
  return `${told[state] ?? `${name} ${isMoved ? 'moved, and it does not count as drift' : 'is as before'}`} (${sizeOf(row)}${limit(level)})`;
};

/** The cells that moved most, in words: what a person would say of the plot. */
export const largestMoves = (cells: Distribution['cells']): string => {
  const moved = [...cells].sort((a, b) => Math.abs(b.current - b.reference) - Math.abs(a.current - a.reference)).slice(0, 2);
  return moved.map(({ label, reference, current }) => `${label}: ${share(reference)} before, ${share(current)} now`).join('; ');
};

export const seriesFinding = (
  what: string,
  points: readonly WindowPoint[],
  valueOf: (point: WindowPoint) => number | null,
  reference: number | null,
  textOf: (value: number) => string,
): string => {
  const last = points.findLast((point) => valueOf(point) !== null && !point.quarantined);
  if (last === undefined) return `${what}: nothing was counted`;
  const value = valueOf(last) as number;
  return reference === null
    ? `${what} is ${textOf(value)}`
    : `${what} is ${textOf(value)}, and was ${textOf(reference)} in the reference`;
};

const judged: Readonly<Record<string, string>> = { pass: ': no breach', fail: ': a breach', inconclusive: ': cannot tell' };

const gainText = ({ metric, tolerated }: Performance, { from, to, gain, outcome }: PerformancePoint): string | null => {
  if (gain === null) return null;
  const { estimate, lower, upper, confidence } = gain;
  const bounds = `${number(lower)} to ${number(upper)} at ${number(confidence * 100)} % each`;
  const against = tolerated === null ? '' : `, a loss of ${number(tolerated)} is tolerated`;
  const moved = `${estimate < 0 ? 'lost' : 'gained'} ${number(Math.abs(estimate))} against the reference`;
  return `${metric} of ${spanOf(from, to)} ${moved} (${bounds}${against})${judged[outcome] ?? ''}`;
};

/** Of the newest window whose labels tell, with its day. */
export const performanceFinding = (performance: Performance): string => {
  const last = performance.points.findLast(({ kind, gain }) => kind === 'matured' && gain !== null);
  const told = last === undefined ? null : gainText(performance, last);
  return told ?? `${performance.metric}: no window has labels enough yet`;
};

/** Of the newest window that was found wrong; else of the newest. */
export const calibrationFinding = (points: readonly CalibrationPoint[]): string => {
  const wrong = points.findLast(({ outcome }) => outcome === 'fail');
  const told = wrong ?? (points.at(-1) as CalibrationPoint);
  const { from, to, observedOverExpected, pValue } = told;
  const came = `${number(observedOverExpected)} positives came for each that was promised in ${spanOf(from, to)}`;
  if (pValue === null) return `${came}: too early to tell from chance`;
  return `${came}: ${wrong === undefined ? 'no more than chance' : 'the probabilities are wrong'} (least p-value ${number(pValue)})`;
};

/** What the newest labels say of the probabilities where they are wrong: a ranking that holds does not show it. */
export const wrongProbabilitiesFinding = ({ performance }: PipelineReport): string | null => {
  const points = performance?.calibration ?? [];
  return points.at(-1)?.outcome === 'fail' ? calibrationFinding(points) : null;
};

/** Of the window that is shown; where its labels do not tell yet, that, and the newest window that does. */
export const shownPerformanceFinding = ({ performance, window }: PipelineReport): string | null => {
  if (performance === null) return null;
  const { shown } = performance;
  const told = shown === null ? null : gainText(performance, shown);
  if (told !== null || window === null) return told ?? performanceFinding(performance);
  return `No labels tell of ${spanOf(window.from, window.to)} yet; newest that do: ${performanceFinding(performance)}`;
};

/** "Newest window", or "Window" for an older one that was asked for. */
export const nameOfShown = ({ window, windows }: PipelineReport): string =>
  window === null || window.from === windows.at(-1)?.from ? 'Newest window' : 'Window';

export const rolloutFinding = (story: RolloutStory): string => {
  const largest = Math.max(0, ...story.looks.flatMap(({ eValues }) => Object.values(eValues)));
  const harmed = story.harmed === null ? '' : `; ${many(story.harmed.events, 'request')} harmed`;
  return `Version ${story.version} (${story.strategy}): ${story.state}${harmed}; largest e-value of harm ${number(largest)}`;
};

export const decisionsFinding = ({ decisions }: PipelineReport): string => {
  const counts = new Map<string, number>();
  for (const { action } of decisions) counts.set(action, (counts.get(action) ?? 0) + 1);
  // What was done first, every "no" after it.
  const isQuiet = (action: string): number => Number(/^(wait|suppressed|no alarm|no breach|cannot tell|not judged)/.test(action));
  const told = [...counts]
    .sort(([one, a], [other, b]) => isQuiet(one) - isQuiet(other) || b - a)
    .map(([action, count]) => `${action} ${count}`);
  return `${many(decisions.length, 'decision')}: ${told.slice(0, 6).join(', ')}`;
};

/** The whole story of a pipeline in a few sentences. */
export const storyOf = (report: PipelineReport): string[] => {
  const { champion, window, windows, rollouts } = report;
  const told = [shownPerformanceFinding(report), wrongProbabilitiesFinding(report)].filter((one) => one !== null);
  const broken = windows.filter(({ quarantined }) => quarantined);
  return [
    champion === null
      ? 'No version serves.'
      : `Version ${champion.version} serves, since ${spanOf(champion.promotedAt, champion.promotedAt).slice(0, 16)}.`,
    ...(window === null
      ? ['No window of live traffic was measured yet.']
      : [`${nameOfShown(report)}, ${spanOf(window.from, window.to)}, ${many(window.rows, 'row')}: ${window.verdict.reason}.`]),
    ...told.map((finding) => `${finding}.`),
    ...(broken.length === 0
      ? []
      : [
          `${many(broken.length, 'window')} quarantined for broken data (no drift, no retrain from them): ${broken.map(({ from, to }) => spanOf(from, to)).join(', ')}.`,
        ]),
    ...rollouts.map((story) => `${rolloutFinding(story)}. ${story.reason}.`),
  ];
};
