/** What is said of one pipeline: pure, one fact a line, most of them only where there is something to say. */
import type { ServerReport } from '#domain/contracts/model-version.ts';
import { isPause } from '#domain/decide/watch/rest.ts';
import { minuteMs } from '#domain/units.ts';
import { formatCount, formatMany } from '../quantity.ts';
import type { PipelineStatus } from './gather.ts';
import { minute, share, since, span, windowText } from './moments.ts';

/** A tone is shown as a mark and, on a terminal, as a colour: never by colour alone. */
export type Tone = 'good' | 'bad' | 'wait' | 'plain';
export type Fact = { readonly label: string; readonly tone: Tone; readonly text: string };

const fact = (label: string, tone: Tone, text: string): Fact => ({ label, tone, text });

const outcomeTones: Readonly<Record<string, Tone>> = {
  pass: 'good',
  fail: 'bad',
  error: 'bad',
  inconclusive: 'wait',
  promoted: 'good',
  rejected: 'wait',
  failed: 'bad',
  held: 'wait',
  alarm: 'bad',
  'no alarm': 'good',
  breach: 'bad',
  miscalibrated: 'bad',
  'no breach': 'good',
  'cannot tell': 'wait',
  'not judged': 'wait',
};
export const toneOf = (outcome: string): Tone => outcomeTones[outcome] ?? 'plain';

const follows = (server: ServerReport, { deployment }: PipelineStatus): boolean =>
  server.state === 'serving' && server.generation === deployment.generation;

/** Only where it says something else than the time of the promotion. */
const registered = ({ champion: age }: PipelineStatus, now: string): string =>
  age === null || Date.parse(age.promotedAt) - Date.parse(age.registeredAt) < minuteMs
    ? ''
    : ` (registered ${since(age.registeredAt, now)} ago)`;

const champion = (status: PipelineStatus, now: string): Fact => {
  const { deployment, servers } = status;
  if (deployment.champion === null) return fact('champion', 'wait', 'none yet: nothing is served until a run promotes a version');
  const age = status.champion === null ? '' : `, for ${since(status.champion.promotedAt, now)}`;
  const trained = registered(status, now);
  const following = servers.filter((server) => follows(server, status)).length;
  const serving =
    servers.length === 0 ? 'no server reports' : `served by ${following} of ${formatMany(servers.length, 'server')}`;
  const tone: Tone = servers.length === 0 ? 'bad' : following === servers.length ? 'good' : 'wait';
  return fact('champion', tone, `version ${deployment.champion.version}${age}${trained}, ${serving}`);
};

const paused = ({ pipeline, paused: pause, deleted }: PipelineStatus, now: string): Fact[] => [
  ...(deleted ? [fact('deleted', 'wait', 'nobody watches or trains it any more; its versions and decisions are kept')] : []),
  ...(pause === null
    ? []
    : [
        fact(
          'paused',
          'wait',
          `for ${since(pause.at, now)} by ${pause.by ?? 'nobody named'}: ${pause.reason ?? 'no reason given'}; perennial resume ${pipeline} ends it`,
        ),
      ]),
];

const holdText = (hold: NonNullable<NonNullable<PipelineStatus['rollout']>['live']>['hold']): string => {
  if (hold === null) return '';
  return hold.by === 'person' ? `HELD by ${hold.name} (${hold.reason}); ` : `HELD (${hold.by}); `;
};

const rollout = ({ rollout: found, deployment, decisions }: PipelineStatus, now: string, wasAsked: boolean): Fact[] => {
  if (found === null) return [];
  const { row, live } = found;
  const applied = live?.share ?? deployment.rollout?.share ?? 0;
  const head = `version ${row.version} beside ${row.championVersion ?? 'none'}, ${row.strategy}, at ${share(applied)} for ${since(row.startedAt, now)}`;
  const newest = decisions.find(({ kind, subject }) => kind === 'rollout' && subject === row.id);
  const reason = live?.reason ?? newest?.reason ?? 'nothing was decided yet';
  // A hold by a person is quoted by the reason already.
  const hold = reason.startsWith('Held') ? '' : holdText(live?.hold ?? null);
  const held = live?.hold != null || newest?.action === 'hold';
  const isDeaf = wasAsked && live === null;
  return [
    fact('rollout', held || isDeaf ? 'bad' : 'wait', head),
    ...(isDeaf ? [fact('', 'plain', 'its workflow does not answer: where it is gone, perennial rollback ends the rollout')] : []),
    fact('', 'plain', `${hold}${reason}`),
    ...(held ? [fact('', 'plain', `perennial explain ${row.workflowId}; then perennial resume, promote or rollback`)] : []),
  ];
};

const lookText = (look: PipelineStatus['look'], now: string): string => {
  if (look === null) return ' and none ever looked';
  const overdueMs = Date.parse(now) - Date.parse(look.dueAt);
  return `, the last looked ${since(look.lookedAt, now)} ago${overdueMs > 0 ? ` and was due ${span(overdueMs)} ago` : ''}`;
};

/** A pause is told of in a line of its own, with who and why. */
const restOf = (until: string, now: string): string =>
  isPause(Date.parse(until), Date.parse(now)) ? 'rests' : `snoozed until ${minute(until)}`;

const watch = (status: PipelineStatus, now: string, wasAsked: boolean): Fact => {
  const { watch: live, look, dataTime, label } = status;
  const data =
    (live?.dataTime ?? dataTime) === null ? 'no data seen' : `data until ${minute((live?.dataTime ?? dataTime) as string)}`;
  const labelled = label === null ? '' : `, labels until ${minute(label.knownAt)}`;
  if (live === null && wasAsked && (look !== null || status.deployment.champion !== null)) {
    const isOverdue = look !== null && look.dueAt < now;
    return fact('watch', isOverdue ? 'bad' : 'wait', `no watch answers${lookText(look, now)}, ${data}${labelled}`);
  }
  if (live === null) return fact('watch', 'plain', `${data}${labelled}`);
  const phase = live.phase === 'snoozed' ? restOf(live.snoozedUntil ?? now, now) : live.phase;
  const next = live.nextLookAt === null ? '' : `, next look in ${span(Date.parse(live.nextLookAt) - Date.parse(now))}`;
  if (live.problem !== null)
    return fact('watch', 'bad', `${phase}, ${data}${labelled}${next}; the last look did not end: ${live.problem}`);
  return fact('watch', live.phase === 'watching' ? 'good' : 'wait', `${phase}, ${data}${labelled}${next}`);
};

/** A subject that is a window, as "2001-02-11 to 2001-02-12: "; of anything else, nothing. */
const subjectText = (subject: string): string => {
  const [from, to] = subject.split('/');
  return to !== undefined && from?.endsWith('Z') ? `${windowText(from as string, to)}: ` : '';
};

/** The newest verdict of a kind, else the bare report of its window. */
const verdict = (status: PipelineStatus, kind: 'drift' | 'performance'): Fact => {
  const decided = status.decisions.find((one) => one.kind === kind);
  if (decided !== undefined) return fact(kind, toneOf(decided.action), `${subjectText(decided.subject)}${decided.reason}`);
  const report = status.reports.find((one) => one.kind === kind);
  if (report !== undefined) return fact(kind, toneOf(report.outcome), `${windowText(report.from, report.to)}: ${report.outcome}`);
  return fact(kind, 'plain', kind === 'drift' ? 'no window was measured yet' : 'no window has its labels yet');
};

/** A feed that is sound again is no news; that some of its windows count for nothing is worth a line. */
const quarantine = ({ quarantine: found, decisions }: PipelineStatus): Fact[] => {
  if (found === null) return [];
  if (found.open === 0)
    return [fact('quarantine', 'plain', `${formatMany(found.kept, 'window')}, none after ${minute(found.newestTo)}`)];
  const reason = decisions.find(({ kind }) => kind === 'quality')?.reason ?? 'the data are broken';
  return [fact('broken', 'bad', `the newest ${formatMany(found.open, 'window')} quarantined: ${reason}`)];
};

const retrain = ({ decisions }: PipelineStatus): Fact[] => {
  const found = decisions.find(({ kind }) => kind === 'retrain');
  return found === undefined ? [] : [fact('retrain', found.action === 'retrain' ? 'wait' : 'plain', found.reason)];
};

const run = ({ runs, stage }: PipelineStatus, now: string): Fact[] => {
  const open = runs.find(({ outcome }) => outcome === null);
  if (open === undefined) return [];
  const at = stage === null ? 'starting' : `${stage.stage}${stage.summary === '' ? '' : ` (${stage.summary})`}`;
  return [fact('run', 'wait', `${open.runKey} for ${since(open.startedAt, now)}: ${at}`)];
};

const serverLine = (status: PipelineStatus, server: ServerReport): Fact => {
  const candidate = server.candidateSha256 === null ? '' : `, candidate at ${share(server.share)}`;
  const reason = server.reason === null ? '' : `: ${server.reason}`;
  const behind = server.generation === status.deployment.generation ? '' : `, wanted is ${status.deployment.generation}`;
  const tone: Tone = server.state === 'refused' ? 'bad' : follows(server, status) ? 'good' : 'wait';
  return fact('server', tone, `${server.serverId} ${server.state} generation ${server.generation}${behind}${candidate}${reason}`);
};

type Queue = NonNullable<PipelineStatus['waiting']['webhooks']>;
const queue = (label: string, what: string, found: Queue | null, now: string): Fact[] => {
  if (found === null || found.count + found.givenUp === 0) return [];
  const oldest = found.oldestAt === null ? '' : ` waiting, the oldest for ${since(found.oldestAt, now)}`;
  const given = found.givenUp === 0 ? '' : `, ${formatCount(found.givenUp)} given up`;
  const error = found.lastError === null ? '' : `: ${found.lastError}`;
  return [fact(label, found.givenUp > 0 ? 'bad' : 'wait', `${formatMany(found.count, what)}${oldest}${given}${error}`)];
};

const gaps = ({ gaps: found }: PipelineStatus, now: string): Fact[] =>
  found === null
    ? []
    : [
        fact(
          'gap',
          'wait',
          `${formatMany(found.predictions, 'prediction')} logged and not counted, by ${formatMany(found.processes, 'server')} killed; the last ${since(found.newestAt, now)} ago`,
        ),
      ];

/** Of one pipeline, the most urgent things where an eye looks first. */
export const factsOf = (status: PipelineStatus, now: string, wasAsked: boolean): Fact[] => [
  champion(status, now),
  ...paused(status, now),
  ...rollout(status, now, wasAsked),
  ...quarantine(status),
  watch(status, now, wasAsked),
  verdict(status, 'drift'),
  verdict(status, 'performance'),
  ...retrain(status),
  ...run(status, now),
  ...status.servers.map((server) => serverLine(status, server)),
  ...queue('webhooks', 'webhook', status.waiting.webhooks, now),
  ...queue('notices', 'notice', status.waiting.notices, now),
  ...gaps(status, now),
];
