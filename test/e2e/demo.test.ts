/** The demo as its user starts it; the verdicts are the system's own. */
import { beforeAll, describe, expect, it } from 'vitest';
import { type DemoEnd, expectStory, runDemo } from './demo-run.ts';

describe('perennial demo --json', () => {
  let end: DemoEnd;

  beforeAll(async () => {
    end = await runDemo();
  }, 900_000);

  it('promotes, retrains by itself, and lets through neither a worse model, nor a broken one, nor a broken feed', () => {
    expectStory(end);
  });

  it('ends with a table of what was decided and why, and shows where to look', () => {
    const { told } = end;
    for (const what of ['Temporal UI', 'Metrics', 'report with plots: file://']) expect(told).toContain(what);
    const table = told.slice(told.indexOf('What was decided, and why'));
    for (const row of [/days passed +re(train|calibrate)/, /parameters were spoiled +rejected/, /a feed broke +quarantined/])
      expect(table).toMatch(row);
  });

  it('judges every day that has passed, and measures how good the model was', () => {
    const { decisions, drift } = end.document;
    expect(drift.length).toBeGreaterThan(5);
    expect(decisions.filter(({ kind }) => kind === 'performance').length).toBeGreaterThan(3);
    expect(decisions.filter(({ kind }) => kind === 'rollout').length).toBeGreaterThan(3);
  });

  it('writes one report that asks nobody for anything', () => {
    const { report } = end;
    expect(report).toMatch(/^<!doctype html>/i);
    expect(report).toContain('<svg');
    expect(report).not.toMatch(/(src|href)\s*=\s*["']?(https?:)?\/\//i);
    expect(report).not.toMatch(/@import|url\(\s*["']?https?:/i);
    expect(report).not.toMatch(/<script[^>]+src/i);
  });
});
