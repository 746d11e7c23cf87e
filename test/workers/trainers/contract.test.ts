import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { trainerExit } from '#domain/contracts/training-job.ts';
import { contractFolder, renderContract } from '../../../infra/trainer/render-contract.ts';

test('the JSON Schemas of the trainer contract are those of the code; else run: node infra/trainer/render-contract.ts', () => {
  const rendered = renderContract();
  expect(readdirSync(contractFolder).sort()).toEqual(Object.keys(rendered).sort());
  for (const [name, text] of Object.entries(rendered)) expect(readFileSync(join(contractFolder, name), 'utf8')).toBe(text);
});

test('the README of the trainers names every exit code', () => {
  const readme = readFileSync(join(contractFolder, '../README.md'), 'utf8');
  for (const code of Object.values(trainerExit)) expect(readme).toMatch(new RegExp(`^\\| ${code} \\|`, 'm'));
});
