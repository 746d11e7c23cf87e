/** Cron schedules in UTC: what a pipeline file says, and when it comes. Outside the contracts, because those refuse by it. */

/** Values that match, ascending. Days of the week count from Sunday, 0. */
export type CronSchedule = {
  readonly minutes: readonly number[];
  readonly hours: readonly number[];
  readonly daysOfMonth: readonly number[];
  readonly months: readonly number[];
  readonly daysOfWeek: readonly number[];
};
export type ParsedCron =
  | { readonly kind: 'schedule'; readonly schedule: CronSchedule }
  | { readonly kind: 'wrong'; readonly reason: string };

type Field = { readonly name: string; readonly from: number; readonly to: number; readonly words: readonly string[] };
const fields: readonly Field[] = [
  { name: 'minute', from: 0, to: 59, words: [] },
  { name: 'hour', from: 0, to: 23, words: [] },
  { name: 'day of month', from: 1, to: 31, words: [] },
  {
    name: 'month',
    from: 1,
    to: 12,
    words: ['', 'jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'],
  },
  // 7 is Sunday too.
  { name: 'day of week', from: 0, to: 7, words: ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] },
];

const shorthands: ReadonlyMap<string, string> = new Map([
  ['@hourly', '0 * * * *'],
  ['@daily', '0 0 * * *'],
  ['@midnight', '0 0 * * *'],
  ['@weekly', '0 0 * * 0'],
  ['@monthly', '0 0 1 * *'],
  ['@yearly', '0 0 1 1 *'],
  ['@annually', '0 0 1 1 *'],
]);

const valueOf = ({ from, to, words }: Field, text: string): number | null => {
  const word = words.indexOf(text.toLowerCase());
  const value = word >= 0 && text !== '' ? word : /^\d{1,2}$/.test(text) ? Number(text) : null;
  return value !== null && value >= from && value <= to ? value : null;
};

const wrongPart = ({ name, from, to }: Field, part: string): string =>
  `"${part}" is no ${name}, which is ${from} to ${to}, a range such as ${from}-${to} or a step such as */${Math.min(15, to)}`;

/** "*", "5", "1-5", each perhaps with a step; a list of values, or why it is none. */
const valuesOf = (field: Field, part: string): readonly number[] | string => {
  const [span = '', stepText, ...more] = part.split('/');
  const step = stepText === undefined ? 1 : /^\d{1,2}$/.test(stepText) ? Number(stepText) : 0;
  const [first = '', last, ...rest] = span.split('-');
  const from = span === '*' ? field.from : valueOf(field, first);
  const to = span === '*' ? field.to : valueOf(field, last ?? first);
  const isStepped = stepText !== undefined && span !== '*' && last === undefined;
  if (from === null || to === null || from > to || step < 1 || isStepped || more.length > 0 || rest.length > 0) {
    return wrongPart(field, part);
  }
  return Array.from({ length: Math.floor((to - from) / step) + 1 }, (_, index) => from + index * step);
};

const parseField = (field: Field, text: string): readonly number[] | string => {
  const parts = text.split(',').map((part) => valuesOf(field, part));
  const wrong = parts.find((part) => typeof part === 'string');
  if (typeof wrong === 'string') return wrong;
  const values = (parts as (readonly number[])[]).flat();
  const days = field.name === 'day of week' ? values.map((day) => day % 7) : values;
  return [...new Set(days)].toSorted((left, right) => left - right);
};

const wrong = (reason: string): ParsedCron => ({ kind: 'wrong', reason });

/**
 * Reads five fields or a shorthand such as "@daily". Refuses day of month together with day of week: some schedulers
 * take both, others either. Refuses a day that never comes, such as 30 February. Does not throw.
 */
export const parseCron = (text: string): ParsedCron => {
  const words = (shorthands.get(text.trim()) ?? text).trim().split(/\s+/);
  if (words.length !== fields.length)
    return wrong(`it has ${words.length === 1 ? 'one field' : `${words.length} fields`}, not five`);
  const parsed = fields.map((field, index) => parseField(field, words[index] as string));
  const problem = parsed.find((values) => typeof values === 'string');
  if (typeof problem === 'string') return wrong(problem);
  const [minutes, hours, daysOfMonth, months, daysOfWeek] = parsed as (readonly number[])[];
  const schedule = { minutes, hours, daysOfMonth, months, daysOfWeek } as CronSchedule;
  if (schedule.daysOfMonth.length < 31 && schedule.daysOfWeek.length < 7) {
    return wrong('it names days of the month and days of the week: name one of them, and write * for the other');
  }
  return nextTimes(schedule, 0, 1).length === 1 ? { kind: 'schedule', schedule } : wrong('the day that it names never comes');
};

const dayMs = 86_400_000;
/** 29 February comes within eight years also where a century has none. */
const farthestMs = (8 * 366 + 2) * dayMs;

const isDay = ({ daysOfMonth, months, daysOfWeek }: CronSchedule, dayStart: number): boolean => {
  const day = new Date(dayStart);
  return months.includes(day.getUTCMonth() + 1) && daysOfMonth.includes(day.getUTCDate()) && daysOfWeek.includes(day.getUTCDay());
};

const timesOfDay = ({ hours, minutes }: CronSchedule): number[] =>
  hours.flatMap((hour) => minutes.map((minute) => hour * 3_600_000 + minute * 60_000));

/** The next `count` instants after one, in milliseconds since 1970; fewer where the schedule never comes. */
export const nextTimes = (schedule: CronSchedule, afterMs: number, count: number): number[] => {
  const found: number[] = [];
  const offsets = timesOfDay(schedule);
  const firstDay = Math.floor(afterMs / dayMs) * dayMs;
  for (let dayStart = firstDay; found.length < count; dayStart += dayMs) {
    if (dayStart - (found.at(-1) ?? firstDay) > farthestMs) break;
    if (!isDay(schedule, dayStart)) continue;
    found.push(...offsets.map((offset) => dayStart + offset).filter((at) => at > afterMs));
  }
  return found.slice(0, count);
};
