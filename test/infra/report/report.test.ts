import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Instant, PipelineName, Sha256 } from '#domain/units.ts';
import { createDecisions } from '../../../infra/postgres/decisions.ts';
import { createWatchReports } from '../../../infra/postgres/watch-reports.ts';
import { createWatchViews } from '../../../infra/postgres/watch-views.ts';
import type { PipelineReport, ReportData } from '../../../infra/report/data.ts';
import { shownPerformanceFinding, storyOf } from '../../../infra/report/findings.ts';
import { renderReport } from '../../../infra/report/page.ts';
import { readReportData } from '../../../infra/report/read.ts';
import { writeDriftReport } from '../../../infra/report/write.ts';
import { readQuarantine } from '../../../workers/cli/quarantine/list-windows.ts';
import { reportLines } from '../../../workers/cli/report/text.ts';
import { type StoredStory, storeStory } from '../../support/loop/store.ts';
import { brokenDay, tellStory } from '../../support/loop/story.ts';
import { flights, nastyName } from '../../support/loop/world.ts';
import { testFolder } from '../../support/servers.ts';

let stored: StoredStory;
let data: ReportData;
let report: PipelineReport;
let page: string;
const options = { title: 'Drift of <flights>', madeAt: '2001-02-12T09:30:00.000Z' as Instant };
const never = 'never-watched' as PipelineName;

beforeAll(async () => {
  stored = await storeStory();
  data = await readReportData(stored, [flights], options);
  report = data.pipelines[0] as PipelineReport;
  page = renderReport(data);
});
afterAll(() => stored.close());

const all = (text: string, pattern: RegExp): string[] => [...text.matchAll(pattern)].map((match) => match[1] ?? match[0]);

describe('readReportData()', () => {
  test('shows the newest window with the states that the watch gave it', () => {
    expect(report.window).toMatchObject({ rows: 1_200, comparator: 'same slot', verdict: { outcome: 'fail' } });
    expect(report.window?.verdict.reason).toBe(stored.story.days.at(-1)?.decision.reason);
    const states = Object.fromEntries(report.variables.map(({ name, state }) => [name, state]));
    expect(states).toEqual({
      score: 'drift',
      prediction: 'drift',
      carrier: 'drift',
      dep_hour: 'drift',
      temperature: 'ok',
      [nastyName]: 'ok',
    });
    expect(report.driftLevel).toBe(0.2);
  });

  test('draws what moved against the reference it was measured with, shares that add up', () => {
    expect(report.distributions.map(({ row }) => row.name)).toEqual(['score', 'prediction', 'carrier', 'dep_hour']);
    for (const { cells } of report.distributions) {
      expect(cells.reduce((sum, { current }) => sum + current, 0)).toBeCloseTo(1, 9);
      expect(cells.reduce((sum, { reference }) => sum + reference, 0)).toBeCloseTo(1, 9);
    }
    const counted = stored.story.days.at(-1)?.window.features[2]?.counts.cells ?? [];
    const carriers = report.distributions.find(({ row }) => row.name === 'carrier');
    expect(carriers?.cells[0]).toMatchObject({ label: 'AA', current: (counted[0] as number) / 1_200 });
  });

  test('shows every window in order, the broken one as quarantined, and none of the others', () => {
    expect(report.windows.map(({ from }) => from)).toEqual(stored.story.days.map(({ window }) => window.from));
    expect(report.windows.flatMap(({ quarantined }, day) => (quarantined ? [day] : []))).toEqual([brokenDay]);
    expect(report.windows.map(({ outcome }) => outcome)).toEqual(
      stored.story.days.map(({ decision }) => (decision.output as { verdict: { outcome: string } }).verdict.outcome),
    );
  });

  test('shows performance with its bounds, and the newest window as provisional', () => {
    const { points, metric, tolerated } = report.performance as NonNullable<PipelineReport['performance']>;
    expect([metric, tolerated, points.length]).toEqual(['roc_auc', 0.02, 14]);
    expect(points.at(-1)).toMatchObject({ kind: 'provisional', labelled: 600, gain: null });
    expect(points[8]).toMatchObject({ kind: 'matured', outcome: 'fail' });
    expect(points[8]?.gain?.upper).toBeLessThan(-0.02);
  });

  test('shows whether probabilities came true, and on which days they were found wrong', () => {
    const { calibration, points } = report.performance as NonNullable<PipelineReport['performance']>;
    expect(calibration.map(({ from }) => from)).toEqual(points.slice(0, 13).map(({ from }) => from));
    const { performance } = stored.story;
    const decided = performance.map(({ decision }) => (decision.output as { calibration: { outcome: string } }).calibration);
    expect(calibration.map(({ outcome }) => outcome)).toEqual(decided.map(({ outcome }) => outcome));
    const evidence = performance[8]?.report.windows[0];
    const value = (id: string) => evidence?.kind === 'matured' && evidence.evidence.find((one) => one.id === id);
    expect(value('calibration/observed over expected')).toMatchObject({ value: calibration[8]?.observedOverExpected });
    expect(value('calibration/error beyond chance')).toMatchObject({ value: calibration[8]?.excess });
    expect(page).toContain('observed over promised');
    expect(page).toMatch(/<h4>[\d.]+ positives came for each that was promised in 2001-02-\d\d to 2001-02-\d\d: /);
  });

  test('tells of wrong probabilities while the newest labels find them so, in the story and in a terminal', () => {
    const performance = report.performance as NonNullable<PipelineReport['performance']>;
    const newest = performance.calibration.at(-1) as (typeof performance.calibration)[number];
    const withNewest = (outcome: string): PipelineReport => ({
      ...report,
      performance: { ...performance, calibration: [{ ...newest, observedOverExpected: 2.1, pValue: 0.001, outcome }] },
    });
    const told = /2\.1 positives came for each that was promised in .*: the probabilities are wrong \(least p-value 0\.001\)/;
    expect(storyOf(withNewest('fail')).join('\n')).toMatch(told);
    expect(reportLines(withNewest('fail')).join('\n')).toMatch(told);
    expect(storyOf(withNewest('pass')).join('\n')).not.toMatch(/was promised/);
    expect(reportLines(withNewest('pass')).join('\n')).not.toMatch(/was promised/);
  });

  test('shows rollouts with the evidence of each look and what they harmed', () => {
    const [running, promoted, taken] = report.rollouts;
    expect([running?.state, promoted?.state, taken?.state]).toEqual(['running', 'promoted', 'rolled back']);
    expect(taken?.looks).toHaveLength(stored.story.rollouts[0]?.decisions.length as number);
    expect(taken?.looks.at(-1)?.eValues.errors).toBeGreaterThanOrEqual(1 / (taken?.alphas.errors as number));
    expect(taken?.harmed).toMatchObject({ events: stored.story.rollouts[0]?.harmed.events });
    expect(running?.harmed).toBeNull();
  });

  test('draws a rollout of today beside the data time that the watch had come to', async () => {
    const [first] = stored.story.rollouts[0]?.decisions ?? [];
    const late = {
      ...(first as NonNullable<typeof first>),
      key: 'late',
      subject: 'flights/9/late',
      at: '2026-01-01T00:00:00.000Z' as Instant,
    };
    await createDecisions(stored.db).record(late);
    const [again] = (await readReportData(stored, [flights], options)).pipelines;
    await stored.db.deleteFrom('decisions').where('key', '=', 'late').execute();
    const [newest, ...others] = again?.decisions ?? [];
    expect(newest).toMatchObject({ subject: late.subject, at: late.at });
    expect(newest?.drawnAt).toBe(others.find(({ kind }) => kind !== 'rollout')?.at);
    expect(
      others.map(({ at, drawnAt }) => at === drawnAt || Math.abs(Date.parse(at) - Date.parse(drawnAt)) > 86_400_000),
    ).not.toContain(false);
  });

  test('shows the window that was asked for', async () => {
    const day = stored.story.days[2]?.window.from as Instant;
    const [other] = (await readReportData(stored, [flights], { ...options, window: day })).pipelines;
    expect(other?.window).toMatchObject({ from: day, verdict: { outcome: 'pass' } });
  });

  test('tells the performance of the window that is shown, with its day and what was decided', async () => {
    const tellOf = async (day: number) => {
      const window = stored.story.days[day]?.window.from as Instant;
      const [other] = (await readReportData(stored, [flights], { ...options, window })).pipelines;
      return shownPerformanceFinding(other as PipelineReport);
    };
    expect(await tellOf(2)).toMatch(/^roc_auc of 2001-01-31 to 2001-02-01 (gained|lost) .*: (no breach|cannot tell)$/);
    expect(await tellOf(8)).toMatch(/^roc_auc of 2001-02-06 to 2001-02-07 lost .*, a loss of 0.02 is tolerated\): a breach$/);
    expect(shownPerformanceFinding(report)).toMatch(
      /^No labels tell of 2001-02-11 to 2001-02-12 yet; newest that do: roc_auc of 2001-02-10 to 2001-02-11 lost /,
    );
  });

  test('says that a broken window is not judged, and draws what broke before all', async () => {
    const window = stored.story.days[brokenDay]?.window.from as Instant;
    const [other] = (await readReportData(stored, [flights], { ...options, window })).pipelines as [PipelineReport];
    expect(other.distributions[0]?.row).toMatchObject({ name: 'temperature', state: 'not judged' });
    const shown = renderReport({ ...data, pipelines: [other] });
    expect(shown).toContain('<h4>score is not judged, as data of this window are broken (PSI ');
    expect(shown).toMatch(/<h4>temperature is broken: missing in \d+ of 1200 rows against .* \(PSI /);
    expect(shown).not.toContain('is as before (');
    expect(shown).toContain('Variables of the window, 2001-02-07 to 2001-02-08');
  });

  test('shows a window once that was measured against two profiles, as it was measured last', async () => {
    const { from, to } = (stored.story.days[brokenDay] as StoredStory['story']['days'][number]).window;
    const again = { pipeline: flights, profile_sha256: 'f'.repeat(64), window_from: from, window_to: to };
    const [newest] = await createWatchReports(stored.db).list(flights, { kind: 'drift' });
    const sha256 = newest?.sha256 as Sha256;
    const measured = { ...again, kind: 'drift' as const, sha256, outcome: 'broken', summary: '{"rows":7}' };
    await stored.db.insertInto('watch_reports').values(measured).execute();
    await stored.db
      .insertInto('quarantined_windows')
      .values({ ...again, breaches: '[]', rows: 7 })
      .execute();
    const [other] = (await readReportData(stored, [flights], options)).pipelines as [PipelineReport];
    const quarantine = (await createWatchViews(stored.db).quarantines()).get(flights);
    const listed = await readQuarantine(stored.db, flights, 10);
    await stored.db.deleteFrom('watch_reports').where('profile_sha256', '=', again.profile_sha256).execute();
    await stored.db.deleteFrom('quarantined_windows').where('profile_sha256', '=', again.profile_sha256).execute();
    expect(other.windows).toHaveLength(report.windows.length);
    expect(other.windows[brokenDay]).toMatchObject({ from, rows: 7, quarantined: true });
    expect(storyOf(other).join(' ')).toContain('1 window quarantined');
    expect(quarantine?.kept).toBe(1);
    expect(listed).toHaveLength(1);
  });

  test('gives an empty part for a pipeline that was never watched', async () => {
    const [empty] = (await readReportData(stored, [never], options)).pipelines;
    expect(empty).toMatchObject({ window: null, windows: [], performance: null, rollouts: [], decisions: [] });
    expect(renderReport({ ...data, pipelines: [empty as PipelineReport] })).toContain(
      'No window of live traffic was measured yet',
    );
  });
});

describe('renderReport()', () => {
  test('asks nobody for anything and runs nothing', () => {
    expect(all(page, /<(?:script|link|img|iframe|object|embed|base|form|video|audio)\b/gi)).toEqual([]);
    expect(all(page, /\s(?:src|href|style|on\w+)=/gi)).toEqual([]);
    expect(all(page, /(?:https?:)?\/\/[\w.]/g)).toEqual([]);
    expect(all(page, /@import|url\(/g)).toEqual([]);
    expect(page).toContain(`http-equiv="Content-Security-Policy" content="default-src &#39;none&#39;; style-src &#39;sha256-`);
  });

  test('escapes names that users gave', () => {
    expect(page).not.toContain(nastyName);
    expect(page).toContain('origin &lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt; &amp; co');
    expect(page).toContain('&lt;b&gt;XX&lt;/b&gt;');
    expect(page).toContain('<title>Drift of &lt;flights&gt;</title>');
  });

  test('says the finding above each plot, describes it, and has its numbers in a table below', () => {
    const figures = all(page, /<svg[\s\S]*?<\/svg>/g);
    expect(figures).toHaveLength(4 + 3 + 5);
    expect(all(page, /<\/svg><p>[^<]+<\/p><details><summary>The numbers<\/summary><div class="table"/g)).toHaveLength(
      figures.length,
    );
    for (const figure of figures)
      expect(figure).toMatch(
        /^<svg [^>]*role="img" aria-labelledby="(\S+)-t \1-d"><title id="\1-t">.+<\/title><desc id="\1-d">.+<\/desc>/,
      );
    const ids = all(page, /\sid="([^"]+)"/g);
    expect(new Set(ids).size).toBe(ids.length);
    expect(page).toContain('<h4>dep_hour has drifted (PSI ');
    expect(page).toContain('1 window quarantined for broken data');
  });

  test('draws only numbers that are finite, within the frame', () => {
    expect(page).not.toMatch(/NaN|Infinity|undefined/);
    const [xs, ys] = [all(page, /\s(?:x|cx|x1|x2)="([-\d.]+)"/g), all(page, /\s(?:y|cy|y1|y2)="([-\d.]+)"/g)].map((texts) =>
      texts.map(Number),
    );
    expect(Math.min(...(xs as number[]))).toBeGreaterThanOrEqual(0);
    expect(Math.max(...(xs as number[]))).toBeLessThanOrEqual(440);
    expect(Math.min(...(ys as number[]))).toBeGreaterThanOrEqual(0);
    expect(Math.max(...(ys as number[]))).toBeLessThanOrEqual(236);
  });

  test('is the same text for the same data', () => {
    expect(renderReport(data)).toBe(page);
  });
});

describe('writeDriftReport()', () => {
  test('writes the whole file, writes over an older one, and leaves nothing else', async () => {
    const { folder, close } = testFolder();
    const file = join(folder, 'report.html');
    await writeDriftReport({ ...data, pipelines: [] }, file);
    expect(await writeDriftReport(data, file)).toBe(Buffer.byteLength(page));
    expect(readFileSync(file, 'utf8')).toBe(page);
    expect(readdirSync(folder)).toEqual(['report.html']);
    close();
  });

  test('makes no folder for a path that was mistyped', async () => {
    const { folder, close } = testFolder();
    await expect(writeDriftReport(data, join(folder, 'dwon', 'report.html'))).rejects.toMatchObject({
      code: 'PRN_USAGE',
      message: expect.stringMatching(/^Cannot write ".*\/dwon\/report.html": there is no folder ".*\/dwon"$/),
    });
    expect(readdirSync(folder)).toEqual([]);
    close();
  });

  test('stays below 1 MB for 100 features', async () => {
    const large = await storeStory(tellStory(96, 10));
    try {
      const many = await readReportData(large, [flights], options);
      expect(many.pipelines[0]?.variables).toHaveLength(102);
      expect(Buffer.byteLength(renderReport(many))).toBeLessThan(400_000);
    } finally {
      await large.close();
    }
  });
});
