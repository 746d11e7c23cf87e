/** A run as a stranger sees it in the Temporal UI and on the control plane's page, in a real browser. */
import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RetrainOutcome } from '#domain/contracts/retrain.ts';
import type { PipelineName } from '#domain/units.ts';
import { applyPipeline } from '../../workers/cli/spec/apply-pipeline.ts';
import { startRun } from '../../workers/cli/start-run.ts';
import { withTemporal } from '../../workers/cli/temporal.ts';
import { openStage, type Stage } from './stage.ts';

const names = ['chromium', 'chromium-browser', 'google-chrome'];
const executable = (process.env.PATH ?? '')
  .split(delimiter)
  .flatMap((folder) => names.map((name) => join(folder, name)))
  .find((path) => existsSync(path));
if (!executable && !process.env.CI) console.log('skipped: the browser check needs Chromium on the PATH');

const pictures = process.env.PERENNIAL_PICTURES ?? join(tmpdir(), 'perennial-pictures');
const flags = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];
const patienceMs = 60_000;

let stage: Stage;
let browser: Browser;
let outcome: RetrainOutcome;

const open = async (url: string): Promise<Page> => {
  const page = await browser.newPage({ viewport: { width: 1440, height: 1300 } });
  await page.goto(url, { timeout: patienceMs });
  return page;
};

const picture = async (page: Page, name: string): Promise<void> => {
  await mkdir(pictures, { recursive: true });
  await page.screenshot({ path: join(pictures, `${name}.png`), fullPage: true });
};

/** The UI renders Markdown in frames of their own. */
const framesShow = (page: Page, text: string) =>
  expect
    .poll(async () => (await Promise.all(page.frames().map((frame) => frame.locator('body').innerText()))).join('\n'), {
      timeout: 30_000,
    })
    .toContain(text);

describe.runIf(executable || process.env.CI)('a run in the browser', () => {
  beforeAll(async () => {
    browser = await chromium.launch({ executablePath: executable ?? 'chromium', args: flags });
    stage = await openStage();
    await applyPipeline(stage.context, join(import.meta.dirname, '../../infra/demo/churn'));
    const wish = {
      pipeline: 'churn' as PipelineName,
      trigger: { kind: 'command' as const, by: 'test', reason: 'to be looked at' },
    };
    outcome = await withTemporal(stage.context, async (client) => (await startRun(stage.context, client, wish)).outcome());
  }, 240_000);

  afterAll(async () => {
    await browser?.close();
    await stage?.close();
  });

  it('was promoted', () => {
    expect(outcome).toMatchObject({ verdict: 'promoted', modelVersion: 1 });
  });

  it('tells its story in the Temporal UI: steps with their summaries, stages, what started it, search attributes', async () => {
    const { temporalUiUrl, temporalNamespace } = stage.context.endpoints;
    const page = await open(
      `${temporalUiUrl}/namespaces/${temporalNamespace}/workflows/${encodeURIComponent(outcome.workflowId)}`,
    );
    const shows = (text: string) => page.locator('body').getByText(text).first().waitFor({ timeout: patienceMs });
    await shows('train with reference');
    await shows('version 1 becomes champion');
    await picture(page, 'temporal-run');
    await page.getByText('User Metadata').first().click();
    await framesShow(page, 'Retrain churn: to be looked at');
    await page.keyboard.press('r');
    await framesShow(page, 'evaluate');
    await picture(page, 'temporal-metadata');
    await page.getByText('Search Attributes').first().click();
    for (const text of ['PerennialPipeline', 'PerennialVerdict', 'promoted']) await shows(text);
    await picture(page, 'temporal-search-attributes');
    await page.close();
  });

  it('can be found by its search attributes', async () => {
    const { temporalUiUrl, temporalNamespace } = stage.context.endpoints;
    const query = encodeURIComponent('PerennialVerdict="promoted" AND PerennialPipeline="churn"');
    const page = await open(`${temporalUiUrl}/namespaces/${temporalNamespace}/workflows?query=${query}`);
    await page.getByText(outcome.workflowId).first().waitFor({ timeout: patienceMs });
    await picture(page, 'temporal-list');
    await page.close();
  });

  it('stands on the page of the control plane, which asks nothing of anybody else', async () => {
    const page = await browser.newPage({ viewport: { width: 1200, height: 900 } });
    const asked: string[] = [];
    page.on('request', (request) => asked.push(new URL(request.url()).origin));
    await page.goto(stage.context.endpoints.controlUrl, { timeout: patienceMs });
    await page.getByText('churn').first().waitFor({ timeout: patienceMs });
    await page.getByText('promoted').first().waitFor({ timeout: patienceMs });
    await picture(page, 'control');
    expect([...new Set(asked)]).toEqual([new URL(stage.context.endpoints.controlUrl).origin]);
    await page.close();
  });
});
