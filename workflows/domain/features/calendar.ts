import type { dateParts } from '../contracts/pipeline-spec/features.ts';
import { dayMs, hourMs, minuteMs } from '../units.ts';

export type DatePart = (typeof dateParts)[number];

type CivilDate = { readonly year: number; readonly month: number; readonly day: number };

/**
 * Days since 1970-01-01 to a date of the proleptic Gregorian calendar. Years are counted from March, so that the day
 * that a leap year adds is its last: the month then follows from the day of the year by one linear formula.
 * Agrees with: `Date.prototype.getUTC*` over the range of JavaScript's dates (test).
 */
const civilDate = (days: number): CivilDate => {
  const sinceEra = days + 719_468;
  const era = Math.floor(sinceEra / 146_097);
  const dayOfEra = sinceEra - era * 146_097;
  const yearOfEra = Math.floor(
    (dayOfEra - Math.floor(dayOfEra / 1_460) + Math.floor(dayOfEra / 36_524) - Math.floor(dayOfEra / 146_096)) / 365,
  );
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const shifted = Math.floor((5 * dayOfYear + 2) / 153);
  const month = shifted < 10 ? shifted + 3 : shifted - 9;
  return {
    year: yearOfEra + era * 400 + (month <= 2 ? 1 : 0),
    month,
    day: dayOfYear - Math.floor((153 * shifted + 2) / 5) + 1,
  };
};

const daysBeforeMonth = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334] as const;
const isLeapYear = (year: number): boolean => (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;

const dayOfYear = ({ year, month, day }: CivilDate): number =>
  (daysBeforeMonth[month - 1] as number) + day + (month > 2 && isLeapYear(year) ? 1 : 0);

const dayNumber = (epochMs: number): number => Math.floor(epochMs / dayMs);
const timeOfDay = (epochMs: number): number => epochMs - dayNumber(epochMs) * dayMs;

/**
 * Functions from epoch milliseconds to a part of the instant in UTC: hour 0-23, weekday 0 (Monday) to 6,
 * day 1-31, month 1-12, day_of_year 1-366, minute_of_day 0-1439.
 */
export const datePartFunctions: Readonly<Record<DatePart, (epochMs: number) => number>> = {
  hour: (epochMs) => Math.floor(timeOfDay(epochMs) / hourMs),
  minute_of_day: (epochMs) => Math.floor(timeOfDay(epochMs) / minuteMs),
  // 1970-01-01 was a Thursday, the fourth day of its week.
  weekday: (epochMs) => (((dayNumber(epochMs) + 3) % 7) + 7) % 7,
  day: (epochMs) => civilDate(dayNumber(epochMs)).day,
  month: (epochMs) => civilDate(dayNumber(epochMs)).month,
  year: (epochMs) => civilDate(dayNumber(epochMs)).year,
  day_of_year: (epochMs) => dayOfYear(civilDate(dayNumber(epochMs))),
};
