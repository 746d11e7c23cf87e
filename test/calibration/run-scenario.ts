/** One scenario in a process of its own: arguments are topic, place in the topic and `full` or `fast`; writes its outcome. */
import { judge } from './judge.ts';
import type { Outcome } from './report.ts';
import { scenariosOf } from './topics.ts';

const [topic, place, size] = process.argv.slice(2) as [string, string, string];
const scenario = (await scenariosOf(topic))[Number(place)];
if (scenario === undefined) throw new RangeError(`Cannot run scenario ${place} of ${topic} as it must exist`);

const started = performance.now();
const judged = [...(await scenario.rows(size === 'full'))].map(judge);
const seconds = (performance.now() - started) / 1000;
process.send?.({ topic, name: scenario.name, claim: scenario.claim, seconds, judged } satisfies Outcome);
process.disconnect?.();
