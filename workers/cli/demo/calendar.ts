/**
 * The demo's days: each day's flights ask for predictions, and in the evening yesterday's labels and yesterday's file
 * arrive. Days go on until the calendar is stopped; how fast is up to the chapter.
 */
import { setTimeout as wait } from 'node:timers/promises';
import type { Caller } from './caller.ts';
import { createTraffic, type DueLabel, type TrafficReport } from './traffic.ts';
import { type Day, type Flight, nextDay, type World } from './world.ts';

/** Flights a second. A canary takes its time, of which days need not go by; while a model trains, the two cores are left to it. */
export const pace = { brisk: 900, canary: 600, slow: 120 } as const;

/** What happens to a day's requests before they are sent; the same day every day, unless somebody changes it. */
export type Twist = {
  readonly change: (flight: Flight, index: number) => Flight;
  /** Requests that a broken candidate is expected to fail. */
  readonly isExpected: (flight: Flight) => boolean;
};
export const asUsual: Twist = { change: (flight) => flight, isExpected: () => false };

export type Calendar = {
  today(): Day;
  setPace(perSecond: number): void;
  /** From the next morning on. Gives that day. */
  twist(next: Twist): Day;
  /** Lives on until there is an answer; null where the last day ends before. Throws what went wrong with a day. */
  until<T>(look: () => Promise<T | null>, lastDay: Day): Promise<T | null>;
  report(): TrafficReport;
  stop(): Promise<TrafficReport>;
};
export type CalendarOptions = {
  readonly world: World;
  readonly caller: Caller;
  readonly folder: string;
  readonly pipeline: string;
  readonly firstDay: Day;
  readonly onDay: (day: Day, flights: number) => void;
  /** Whether all that looks at the days has come so far that another one may begin. */
  readonly mayBegin: (day: Day) => Promise<boolean>;
};

const lookMs = 150;
/** Longer than a watch needs to look; where it is away for longer, life goes on. */
const longestNightMs = 5_000;

type Evening = { readonly day: Day; readonly labels: readonly DueLabel[] };

/** Labels come before the file: whoever looks in between has seen no row that it could not also have been told of. */
const bring = async ({ world, caller, folder, pipeline }: CalendarOptions, { day, labels }: Evening): Promise<void> => {
  const { status, body } = await caller.post(`/labels/${pipeline}`, { labels });
  if (status !== 200) throw new Error(`Labels of ${day} were not taken: ${status} ${JSON.stringify(body)}`);
  await world.deliver(folder, day);
};

/** A slow machine makes long nights, not a watch that lags behind by days. */
const sleep = async ({ mayBegin }: CalendarOptions, day: Day, isOver: () => boolean): Promise<void> => {
  const until = performance.now() + longestNightMs;
  while (!isOver() && performance.now() < until && !(await mayBegin(day).catch(() => false))) await wait(lookMs);
};

export const startCalendar = (options: CalendarOptions): Calendar => {
  const { world, caller, pipeline, firstDay, onDay } = options;
  let day = firstDay;
  let perSecond: number = pace.brisk;
  let [now, tomorrow] = [asUsual, asUsual];
  let stopped = false;
  let problem: Error | null = null;
  const traffic = createTraffic({
    caller,
    path: `/predict/${pipeline}`,
    change: (flight, index) => now.change(flight, index),
    isExpected: (flight) => now.isExpected(flight),
  });

  const live = async (): Promise<void> => {
    for (let yesterday: Evening | null = null; !stopped; day = nextDay(day)) {
      now = tomorrow;
      const flights = await world.flightsOf(day);
      onDay(day, flights.length);
      const labels = await traffic.send(flights, () => perSecond);
      if (yesterday !== null) await bring(options, yesterday);
      yesterday = { day, labels };
      await sleep(options, nextDay(day), () => stopped);
    }
  };
  const living = live().catch((error: unknown) => {
    problem = error as Error;
  });

  const until: Calendar['until'] = async (look, lastDay) => {
    for (;;) {
      if (problem !== null) throw problem;
      const found = await look();
      if (found !== null || day > lastDay) return found;
      await wait(lookMs);
    }
  };
  return {
    today: () => day,
    setPace: (next) => {
      perSecond = next;
    },
    twist: (next) => {
      tomorrow = next;
      return nextDay(day);
    },
    until,
    report: traffic.report,
    stop: async () => {
      stopped = true;
      perSecond = pace.brisk;
      await living;
      if (problem !== null) throw problem;
      return traffic.report();
    },
  };
};
