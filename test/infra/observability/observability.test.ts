/** Alerts and dashboards against the grammar of Prometheus, and against the metrics that there are. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { type MetricName, metricSpecs } from '../../../infra/telemetry/metrics.ts';
import { parsePromql } from './promql.ts';

const root = resolve(import.meta.dirname, '../../..');
const folder = join(root, 'infra/observability');
type Rule = {
  alert: string;
  expr: string;
  for?: string;
  labels: Record<string, string>;
  annotations: Record<string, string>;
};
const rules = (parse(readFileSync(join(folder, 'alerts.yml'), 'utf8')) as { groups: { rules: Rule[] }[] }).groups.flatMap(
  (group) => group.rules,
);

type Panel = { id: number; title: string; targets: { expr: string; legendFormat: string }[]; gridPos: { x: number; w: number } };
type Dashboard = {
  uid: string;
  panels: Panel[];
  templating: { list: { query: string | { query: string } }[] };
};
const dashboards = readdirSync(join(folder, 'grafana/dashboards')).map(
  (file) => JSON.parse(readFileSync(join(folder, 'grafana/dashboards', file), 'utf8')) as Dashboard,
);

/** What Prometheus adds to every series by itself, and what a histogram has beside its labels. */
const added = ['job', 'instance', 'le'];
const baseOf = (metric: string): string => (metric in metricSpecs ? metric : metric.replace(/_(bucket|sum|count)$/, ''));

/** What is wrong with an expression, in words; nothing where it is right. */
const mistakesOf = (expression: string): string[] => {
  const { isValid, selectors, grouping } = parsePromql(expression);
  if (!isValid) return [`does not parse: ${expression}`];
  const known = new Set(added);
  const mistakes = selectors.flatMap(({ metric, labels }) => {
    if (metric === 'up') return [];
    const spec = metricSpecs[baseOf(metric) as MetricName];
    if (spec === undefined) return [`no metric ${metric}`];
    for (const label of spec.labels) known.add(label);
    return labels.filter((label) => !known.has(label)).map((label) => `${metric} has no label ${label}`);
  });
  return [...mistakes, ...grouping.filter((label) => !known.has(label)).map((label) => `nothing has the label ${label}`)];
};

describe('the check itself', () => {
  test.each([
    ['perennial_rollout_held ==', 'does not parse'],
    ['perennial_rollout_hold == 1', 'no metric perennial_rollout_hold'],
    ['perennial_rollout_held{version="1"} == 1', 'perennial_rollout_held has no label version'],
    ['sum by (color) (perennial_rollout_held)', 'nothing has the label color'],
    ['rate(perennial_serving_latency_seconds_bucket{verb="x"}[5m])', 'has no label verb'],
  ])('refuses %s', (expression, mistake) => {
    expect(mistakesOf(expression).join('; ')).toContain(mistake);
  });
});

describe('alerts.yml', () => {
  test.each(rules.map((rule) => [rule.alert, rule] as const))(
    '%s asks for what there is, and has a page that helps',
    (_, rule) => {
      expect(mistakesOf(rule.expr)).toEqual([]);
      expect(rule.for ?? '0s').toMatch(/^\d+[smh]$/);
      expect(['page', 'ticket']).toContain(rule.labels.severity);
      expect(rule.annotations.summary).toMatch(/^[A-Z{].+[^.]$/);
      const page = readFileSync(join(root, rule.annotations.runbook_url as string), 'utf8');
      expect(page).toMatch(new RegExp(`^# ${rule.alert}\\n`));
      for (const heading of ['What it means', 'What to do', 'If nobody does anything']) expect(page).toContain(`**${heading}.**`);
      const told = Object.values(rule.annotations).join(' ');
      for (const [, label] of told.matchAll(/\$labels\.(\w+)/g)) {
        const labels = parsePromql(rule.expr).selectors.flatMap(({ metric }) => [
          ...(metricSpecs[baseOf(metric) as MetricName]?.labels ?? []),
        ]);
        expect([...added, ...labels]).toContain(label);
      }
    },
  );

  test('each name is given once, and each page belongs to an alert', () => {
    expect(new Set(rules.map(({ alert }) => alert)).size).toBe(rules.length);
    const pages = readdirSync(join(root, 'infra/runbooks/alerts')).map((file) => `infra/runbooks/alerts/${file}`);
    expect(new Set(pages)).toEqual(new Set(rules.map(({ annotations }) => annotations.runbook_url)));
    expect(pages).toHaveLength(rules.length);
  });

  test('pages name only commands that there are', () => {
    const commands = new Set(readdirSync(join(root, 'workers/cli/commands')).map((file) => file.replace('.ts', '')));
    for (const file of readdirSync(join(root, 'infra/runbooks/alerts'))) {
      const text = readFileSync(join(root, 'infra/runbooks/alerts', file), 'utf8');
      const named = [...text.matchAll(/`perennial ([a-z]+)/g)].map((match) => match[1] as string);
      expect(named.filter((name) => !commands.has(name))).toEqual([]);
    }
  });
});

describe('the dashboards', () => {
  test('ask for what there is, in panels that fit beside each other', () => {
    for (const { panels, templating } of dashboards) {
      const asked = panels.flatMap(({ targets }) => targets.map(({ expr }) => expr));
      expect(asked.flatMap(mistakesOf)).toEqual([]);
      const queries = templating.list.map(({ query }) => (typeof query === 'string' ? query : query.query));
      const variables = queries.flatMap((query) => /^label_values\((\w+), \w+\)$/.exec(query)?.[1] ?? []);
      expect(variables.filter((metric) => !(metric in metricSpecs))).toEqual([]);
      expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
      expect(panels.every(({ gridPos }) => gridPos.x + gridPos.w <= 24)).toBe(true);
    }
    expect(new Set(dashboards.map(({ uid }) => uid)).size).toBe(2);
  });

  test('show every metric of the loop', () => {
    const text = [...dashboards.map((one) => JSON.stringify(one)), readFileSync(join(folder, 'alerts.yml'), 'utf8')].join('\n');
    const loop = Object.keys(metricSpecs).filter((name) =>
      /^perennial_(drift|watch|performance|quarantined|rollout|decisions|retrain|champion|runs_waiting|servers|counter_gap|loop)/.test(
        name,
      ),
    );
    expect(loop.length).toBeGreaterThan(15);
    expect(loop.filter((name) => !text.includes(name) && name !== 'perennial_rollout_started_timestamp_seconds')).toEqual([]);
  });
});

describe('prometheus.yml', () => {
  test('scrapes what alerts ask for by job, and loads rules that are there', () => {
    const config = parse(readFileSync(join(folder, 'prometheus.yml'), 'utf8')) as {
      rule_files: string[];
      scrape_configs: { job_name: string }[];
    };
    const jobs = config.scrape_configs.map(({ job_name }) => job_name);
    const asked = rules.flatMap(({ expr }) => [...expr.matchAll(/job="([^"]+)"/g)].map((match) => match[1] as string));
    expect(asked.filter((job) => !jobs.includes(job))).toEqual([]);
    expect(config.rule_files.filter((file) => !existsSync(join(folder, file)))).toEqual([]);
  });
});
