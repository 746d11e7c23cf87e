/** Stands for a worker: runs one trainer in a folder until it ends. Tests kill it. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TrainerLaunch } from '../../../../infra/trainer/launch.ts';
import { runTrainer } from '../../../../infra/trainer/run.ts';
import type { TrainingJob } from '../../../../workflows/domain/contracts/training-job.ts';

const [folder, keyFolder] = process.argv.slice(2) as [string, string];
const { launch, job } = JSON.parse(readFileSync(join(folder, 'setting.json'), 'utf8')) as {
  launch: TrainerLaunch;
  job: TrainingJob;
};
const end = await runTrainer(launch, folder, { job, keyFolder, timeoutMs: 60_000, silenceMs: 60_000, killDelayMs: 5_000 });
process.stdout.write(`${end.ending}\n`);
