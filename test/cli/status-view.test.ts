import { describe, expect, test } from 'vitest';
import type { PipelineStatus } from '../../workers/cli/status/gather.ts';
import { createAppended, createRedrawn } from '../../workers/cli/status/live.ts';
import { span, windowText } from '../../workers/cli/status/moments.ts';
import { statusLines } from '../../workers/cli/status/view.ts';
import type { Instant, PipelineName, Sha256, VersionNumber } from '../../workflows/domain/units.ts';

const now = '2026-01-02T12:00:00.000Z' as Instant;
const model = (version: number, digit: string) => ({
  version: version as VersionNumber,
  modelSha256: digit.repeat(64) as Sha256,
  profileSha256: null,
});
const reason =
  'Waiting: errors, candidate requests 812 >= 1000 does not hold; latency_p95, upper 99% bound of the ratio 1.31 <= 1.25 does not hold';
const busy: PipelineStatus = {
  pipeline: 'churn' as PipelineName,
  definition: null,
  deleted: false,
  paused: { at: '2026-01-02T11:00:00.000Z' as Instant, by: 'ada', reason: 'the feed is rebuilt' },
  deployment: {
    pipeline: 'churn' as PipelineName,
    generation: 7,
    champion: model(3, 'a'),
    rollout: {
      id: 'churn/4/x',
      strategy: 'canary',
      candidate: model(4, 'b'),
      share: 0.5,
      salt: 's',
      by: [],
      latencyMs: null,
    },
  },
  champion: {
    version: 3 as VersionNumber,
    registeredAt: '2025-12-31T00:00:00.000Z' as Instant,
    promotedAt: '2026-01-01T12:00:00.000Z' as Instant,
  },
  servers: ['a:8080', 'b:8080'].map((serverId, place) => ({
    serverId,
    pipeline: 'churn' as PipelineName,
    generation: 7 - place,
    modelSha256: 'a'.repeat(64) as Sha256,
    candidateSha256: 'b'.repeat(64) as Sha256,
    share: place === 0 ? 0.5 : 0.1,
    state: 'serving',
    reason: null,
    reportedAt: now,
  })),
  runs: [],
  stage: null,
  rollout: {
    row: {
      id: 'churn/4/x',
      pipeline: 'churn' as PipelineName,
      version: 4 as VersionNumber,
      championVersion: 3 as VersionNumber,
      strategy: 'canary',
      workflowId: 'some-workflow',
      policy: {},
      state: 'running',
      segments: [],
      startedBy: 'ada',
      reason: 'asked',
      harmed: null,
      startedAt: '2026-01-02T11:57:00.000Z' as Instant,
      endedAt: null,
    },
    live: {
      rolloutId: 'churn/4/x',
      strategy: 'canary',
      version: 4,
      championVersion: 3,
      phase: 'running',
      share: 0.5,
      generation: 7,
      hold: { by: 'silence', sinceMs: 1 },
      reason,
    },
  },
  watch: null,
  look: { lookedAt: '2026-01-02T10:00:00.000Z' as Instant, dueAt: '2026-01-02T11:00:00.000Z' as Instant },
  dataTime: '2026-01-02T11:59:00.000Z' as Instant,
  label: null,
  reports: [],
  decisions: [],
  quarantine: null,
  waiting: {
    webhooks: { count: 2, oldestAt: '2026-01-02T11:50:00.000Z' as Instant, lastError: 'refused', givenUp: 0 },
    notices: null,
  },
  gaps: { predictions: 12, processes: 1, newestAt: '2026-01-02T11:00:00.000Z' as Instant },
};
const status = { at: now, temporal: { unreachable: null, asked: true }, pipelines: [busy] };
const plain = (_tone: string, text: string) => text;

describe('statusLines()', () => {
  test.each([80, 120])('fits %s columns, whatever a reason says, and loses no word', (width) => {
    const lines = statusLines(status, { width, paint: plain });
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(width);
    const words = lines.join(' ').replace(/\s+/g, ' ');
    for (const word of reason.split(' ')) expect(words).toContain(word);
  });

  test('never breaks a line where no terminal asks for it, and has a mark beside each colour', () => {
    const lines = statusLines(status, { width: null, paint: plain });
    expect(lines).toContain('  ✗ rollout     version 4 beside 3, canary, at 50 % for 3 min');
    expect(lines).toContain(`                HELD (silence); ${reason}`);
    expect(lines).toContain('  … champion    version 3, for 1 day (registered 2 days ago), served by 1 of 2 servers');
    expect(lines).toContain('  … paused      for 1 h by ada: the feed is rebuilt; perennial resume churn ends it');
    expect(lines).toContain('  … server      b:8080 serving generation 6, wanted is 7, candidate at 10 %');
    expect(lines).toContain('  … webhooks    2 webhooks waiting, the oldest for 10 min: refused');
    expect(lines).toContain(
      '  ✗ watch       no watch answers, the last looked 2 h ago and was due 1 h ago, data until 2026-01-02 11:59',
    );
    expect(lines).toContain('  … gap         12 predictions logged and not counted, by 1 server killed; the last 1 h ago');
  });

  test('quotes a person who holds a rollout once, and gives a pause no end', () => {
    const { rollout } = busy as { rollout: NonNullable<PipelineStatus['rollout']> };
    const live = {
      ...rollout.live,
      hold: { by: 'person', name: 'ada', reason: 'lunch', sinceMs: 1 },
      reason: 'Held by ada: lunch',
    };
    const watch = { phase: 'snoozed', snoozedUntil: '2036-01-02T12:00:00.000Z', dataTime: null, nextLookAt: null, problem: null };
    const told = (given: object) =>
      statusLines({ ...status, pipelines: [{ ...busy, ...given } as PipelineStatus] }, { width: null, paint: plain });
    const held = told({ rollout: { ...rollout, live }, watch });
    expect(held).toContain('                Held by ada: lunch');
    expect(held.find((line) => line.includes(' watch '))).toContain('rests, data until');
    const snoozed = told({ watch: { ...watch, snoozedUntil: '2026-01-03T12:00:00.000Z' } });
    expect(snoozed.find((line) => line.includes(' watch '))).toContain('snoozed until 2026-01-03 12:00, data until');
  });

  test('says that Temporal is down, and what that means', () => {
    const [first] = statusLines(
      { ...status, temporal: { unreachable: 'Cannot reach Temporal at "x:1": nobody listens there', asked: false } },
      { width: null, paint: plain },
    );
    expect(first).toBe(
      'Cannot reach Temporal at "x:1": nobody listens there. Shown is what PostgreSQL knows: watches and rollouts wait for Temporal, predictions go on',
    );
  });

  test('leaves out what is well where there are many', () => {
    const many = Array.from({ length: 5 }, (_, place) => ({ ...busy, pipeline: `p${place}` as PipelineName }));
    const lines = statusLines({ ...status, pipelines: many }, { width: null, paint: plain });
    expect(lines.filter((line) => line.includes('✗ rollout'))).toHaveLength(5);
    expect(lines.join('\n')).not.toContain('no runs yet');
    expect(lines.join('\n')).not.toContain('✓ server');
    expect(lines.at(-1)).toContain('`perennial status PIPELINE` shows all of one');
  });

  test('says what to do where there is nothing', () => {
    expect(statusLines({ ...status, pipelines: [] }, { width: null, paint: plain })).toEqual([
      'No pipelines yet: `perennial run PATH` applies and runs one',
    ]);
  });
});

describe('--watch', () => {
  test('elsewhere than on a terminal, says only what changed: an age that grows is no change', () => {
    const written: string[] = [];
    const frames = createAppended((line) => written.push(line));
    frames.show(['churn', 'run for 3 s: train']);
    frames.show(['churn', 'run for 4 s: train']);
    frames.show(['churn', 'run for 5 s: gate']);
    expect(written).toEqual(['churn', 'run for 3 s: train', 'run for 5 s: gate']);
  });

  test('on a terminal, writes over the frame before, and never more lines than the screen has', () => {
    const written: string[] = [];
    const frames = createRedrawn({ rows: 4, write: (text: string) => written.push(text) } as unknown as NodeJS.WriteStream);
    frames.show(['a']);
    frames.show(['1', '2', '3', '4', '5']);
    frames.show(['b']);
    expect(written).toEqual(['a\n', '\u001b[1A\u001b[0J1\n2\n… 3 more lines: name one pipeline\n', '\u001b[3A\u001b[0Jb\n']);
  });
});

test('spans and windows read as people say them', () => {
  expect([-5, 999, 42_000, 180_000, 6 * 3_600_000, 86_400_000, 3 * 86_400_000].map(span)).toEqual([
    '0 s',
    '0 s',
    '42 s',
    '3 min',
    '6 h',
    '1 day',
    '3 days',
  ]);
  expect(windowText('2001-01-01T00:00:00.000Z', '2001-01-02T00:00:00.000Z')).toBe('2001-01-01 to 2001-01-02');
  expect(windowText('2001-01-01T00:00:00.000Z', '2001-01-01T01:00:00.000Z')).toBe('2001-01-01 00:00 to 2001-01-01 01:00');
});
