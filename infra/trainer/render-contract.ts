/** Writes the trainer contract as JSON Schemas: `node infra/trainer/render-contract.ts`. A test compares. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { trainerEventSchema, trainerResultSchema, trainingJobSchema } from '#domain/contracts/training-job.ts';
import { trainersFolder } from './environment.ts';
import { trainerFileSchema } from './trainer-file.ts';

/** What a trainer reads has every field; what it writes may leave out what has a default. */
const contract = {
  'job.schema.json': z.toJSONSchema(trainingJobSchema, { io: 'output' }),
  'event.schema.json': z.toJSONSchema(trainerEventSchema, { io: 'input' }),
  'result.schema.json': z.toJSONSchema(trainerResultSchema, { io: 'input' }),
  'trainer.schema.json': z.toJSONSchema(trainerFileSchema, { io: 'input' }),
} as const;

export const contractFolder = join(trainersFolder, 'contract');

/** Texts of the schema files, by name. */
export const renderContract = (): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.entries(contract).map(([name, schema]) => [name, `${JSON.stringify(schema, null, 2)}\n`]));

if (import.meta.main) {
  mkdirSync(contractFolder, { recursive: true });
  for (const [name, text] of Object.entries(renderContract())) writeFileSync(join(contractFolder, name), text);
}
