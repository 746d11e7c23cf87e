/** Who asks to be told of an event in a pipeline file is told of it: no event is only a word. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { noticeEvents } from '../../workflows/domain/notice-events.ts';

const workflows = join(import.meta.dirname, '../../workflows');
const calls = readdirSync(workflows)
  .filter((name) => name.endsWith('.ts'))
  .map((name) => readFileSync(join(workflows, name), 'utf8'))
  .join('\n');

/** As an argument of what tells, as a field of a notice, or as the end that a rollout tells of. */
const sayings = (event: string): RegExp => new RegExp(`tell\\w*\\(\\s*[^;]*?'${event}'|(event|news): '${event}'`);

test.each(noticeEvents.filter((event) => event !== 'rolled back' && event !== 'promoted'))(
  '%s is told by a workflow',
  (event) => {
    expect(calls).toMatch(sayings(event));
  },
);

test('a rollout tells of its end, whichever it is', () => {
  expect(calls).toContain('tellPeople(live, end.end,');
});
