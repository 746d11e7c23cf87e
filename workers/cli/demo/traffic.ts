/** Live traffic: flights over HTTP, a day after the other. Every request counts, also a failed one. */
import { setTimeout as wait } from 'node:timers/promises';
import { dayMs } from '#domain/units.ts';
import type { Caller } from './caller.ts';
import type { Flight, PastFlight } from './world.ts';

/** A prediction whose truth will be known. */
export type DueLabel = { readonly prediction_id: string; readonly label: boolean; readonly at: string };
export type TrafficReport = {
  readonly sent: number;
  readonly failed: number;
  /** Failures by the version that answered with an error, where the chapter expected that a candidate breaks. */
  readonly harmed: number;
  /** Asked again because a server was away. */
  readonly retried: number;
  readonly byVersion: ReadonlyMap<string, number>;
  readonly firstFailure: string | null;
};
export type Traffic = {
  /** Sends flights at so many a second, as far as the server keeps up; gives the labels that are due a day later. */
  send(flights: readonly PastFlight[], perSecond: () => number): Promise<readonly DueLabel[]>;
  report(): TrafficReport;
};
export type TrafficOptions = {
  readonly caller: Caller;
  readonly path: string;
  /** What the world makes of a request before it is sent. */
  readonly change: (flight: Flight, index: number) => Flight;
  /** Whether a failure of this request is the harm that a canary is there to find. */
  readonly isExpected: (flight: Flight) => boolean;
};

const mostInFlight = 64;
const tickMs = 5;
/** A label is known when the flight has long landed. */
const labelDelayMs = dayMs;

type Answer = { readonly prediction_id?: string; readonly model_version?: number };

export const createTraffic = ({ caller, path, change, isExpected }: TrafficOptions): Traffic => {
  const byVersion = new Map<string, number>();
  let [sent, failed, harmed, retried] = [0, 0, 0, 0];
  let firstFailure: string | null = null;

  const fail = (flight: Flight, why: string): null => {
    if (isExpected(flight)) {
      harmed += 1;
      return null;
    }
    failed += 1;
    firstFailure ??= why;
    return null;
  };

  const ask = async ({ asked, late }: PastFlight, index: number): Promise<DueLabel | null> => {
    const flight = change(asked, index);
    sent += 1;
    try {
      const { status, body, retries } = await caller.post(path, flight);
      retried += retries;
      if (status !== 200) return fail(flight, `${status} ${JSON.stringify(body)}`);
      const { prediction_id = '', model_version } = body as Answer;
      byVersion.set(String(model_version), (byVersion.get(String(model_version)) ?? 0) + 1);
      return { prediction_id, label: late, at: new Date(Date.parse(asked.date) + labelDelayMs).toISOString() };
    } catch (error) {
      return fail(flight, (error as Error).message);
    }
  };

  const send: Traffic['send'] = async (flights, perSecond) => {
    const answers: Promise<DueLabel | null>[] = [];
    let inFlight = 0;
    let allowed = 0;
    let before = performance.now();
    while (answers.length < flights.length) {
      await wait(tickMs);
      const now = performance.now();
      // What the server could not take is not made up for: a slow one makes the day longer.
      allowed = Math.min(allowed + (perSecond() * (now - before)) / 1000, mostInFlight);
      before = now;
      for (; allowed >= 1 && inFlight < mostInFlight && answers.length < flights.length; allowed -= 1) {
        inFlight += 1;
        const asked = ask(flights[answers.length] as PastFlight, answers.length);
        answers.push(asked.finally(() => (inFlight -= 1)));
      }
    }
    return (await Promise.all(answers)).filter((label) => label !== null);
  };

  return { send, report: () => ({ sent, failed, harmed, retried, byVersion: new Map(byVersion), firstFailure }) };
};
