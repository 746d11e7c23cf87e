/** `npm run test:calibration [-- TOPIC… --fast --write]`: every scenario in a process of its own, then one table. */
import { fork } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type Outcome, pageOf, summaryOf, tableOf } from './report.ts';
import { baseSeed } from './scenario.ts';
import { scenariosOf, topics } from './topics.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { write: { type: 'boolean', default: false }, fast: { type: 'boolean', default: false } },
});
const unknown = positionals.filter((topic) => !topics.includes(topic));
if (unknown.length > 0) throw new RangeError(`Cannot run ${unknown.join(', ')}: the topics are ${topics.join(', ')}`);
if (values.write && (values.fast || positionals.length > 0)) {
  throw new RangeError('Cannot write RESULTS.md as it must hold all repetitions of all topics: give --write alone');
}

type Job = { readonly topic: string; readonly place: number; readonly name: string };

const jobs: Job[] = [];
for (const topic of positionals.length > 0 ? positionals : topics) {
  const scenarios = await scenariosOf(topic);
  jobs.push(...scenarios.map(({ name }, place) => ({ topic, place, name })));
}

const run = async ({ topic, place, name }: Job): Promise<Outcome> =>
  new Promise((resolve, reject) => {
    const child = fork(join(import.meta.dirname, 'run-scenario.ts'), [topic, String(place), values.fast ? 'fast' : 'full'], {
      // Structured clone, because JSON would turn an infinite figure into null.
      serialization: 'advanced',
    });
    let outcome: Outcome | undefined;
    child.on('message', (message) => {
      outcome = message as Outcome;
    });
    child.on('exit', (code) => {
      if (outcome !== undefined && code === 0) resolve(outcome);
      else reject(new Error(`${topic}, ${name}: ended with ${code} before it gave its findings`));
    });
  });

const outcomes = new Map<Job, Outcome>();
const broken: string[] = [];
const queue = [...jobs];

const work = async (): Promise<void> => {
  for (let job = queue.shift(); job !== undefined; job = queue.shift()) {
    try {
      const outcome = await run(job);
      outcomes.set(job, outcome);
      console.log(`[${outcomes.size}/${jobs.length}] ${job.topic}: ${job.name} (${outcome.seconds.toFixed(1)} s)`);
    } catch (error) {
      broken.push((error as Error).message);
    }
  }
};

const started = performance.now();
const cores = availableParallelism();
await Promise.all(Array.from({ length: cores }, work));
const seconds = Math.round((performance.now() - started) / 1000);

// In the order of the topics, not in the order in which they ended.
const ordered = jobs.flatMap((job) => outcomes.get(job) ?? []);
let topic = '';
for (const outcome of ordered) {
  if (outcome.topic !== topic) console.log(`\n## ${outcome.topic}`);
  topic = outcome.topic;
  console.log(`\n${tableOf(outcome)}`);
}
console.log(`\n${summaryOf(ordered)}; ${seconds} s on ${cores} cores`);
for (const message of broken) console.error(message);

const missed = ordered.flatMap(({ judged }) => judged).filter(({ judgement }) => judgement === 'missed');
if (missed.length + broken.length > 0) process.exitCode = 1;
if (values.write && broken.length === 0) {
  const [date] = new Date().toISOString().split('T') as [string];
  const circumstances = { seed: baseSeed, date, node: process.version, cores, minutes: Math.ceil(seconds / 60) };
  writeFileSync(join(import.meta.dirname, 'RESULTS.md'), pageOf(ordered, circumstances));
}
