/** Two weeks of a served model: quiet, then a world that moves, and one day of a broken feed. Drawn once, measured truly. */
import { createRandom } from '#domain/stats/random.ts';
import { dayMs } from '#domain/units.ts';
import { simulateRollout } from './canary.ts';
import { judgeDays, judgePerformance, referenceOf } from './measure.ts';
import { calm, countDay, drawDay, instantOf, liveFrom, profileOf, trainedDays, trainedFrom, type Weather } from './world.ts';

const rowsPerDay = 1_200;
export const brokenDay = 9;

const moved: Weather = { ...calm, hourShift: 2.4, carrierWeights: [2, 3, 5, 1, 1], forgotten: 0.5 };
const weatherOf = (day: number): Weather => {
  if (day === brokenDay) return { ...moved, missingTemperature: 0.6 };
  return day >= 7 ? moved : calm;
};

export type Story = ReturnType<typeof tellStory>;
/** `extras` features that never move, beside the four. */
export const tellStory = (extras = 0, days = 14) => {
  const random = createRandom(20010101);
  const trained = Array.from({ length: trainedDays }, (_, day) =>
    drawDay(random, trainedFrom + day * dayMs, rowsPerDay, calm, extras),
  ).flat();
  const { profile, sha256 } = profileOf(trained, extras);
  const live = Array.from({ length: days }, (_, day) => {
    const from = liveFrom + day * dayMs;
    return { from, rows: drawDay(random, from, rowsPerDay, weatherOf(day), extras) };
  });
  const windows = live.map(({ from, rows }) => countDay({ profile, sha256 }, from, rows));
  const spans = live.map(({ from, rows }) => ({ from: instantOf(from), to: instantOf(from + dayMs), rows }));
  return {
    profile,
    profileSha256: sha256,
    days: judgeDays(profile, sha256, windows),
    performance: judgePerformance(referenceOf(trained), sha256, spans),
    rollouts: [
      simulateRollout(random, { id: 'flights/2/first', startMs: liveFrom + 10 * dayMs, errorRate: 0.02 }),
      simulateRollout(random, { id: 'flights/3/second', startMs: liveFrom + 12 * dayMs, errorRate: 0.003 }),
      simulateRollout(random, { id: 'flights/4/third', startMs: liveFrom + 13 * dayMs, errorRate: 0.004, looks: 8 }),
    ],
  };
};
