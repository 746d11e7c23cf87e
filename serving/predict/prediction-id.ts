import { randomFillSync } from 'node:crypto';

/** Random bytes are drawn for many ids at once: one call to the system costs more than an id. */
const pool = new Uint8Array(10 * 256);
let used = pool.length;

/** A UUID of version 7 (RFC 9562): 48 bits of Unix milliseconds, then chance; ids sort by the time they were made. */
export const createPredictionId = (nowMs: number = Date.now()): string => {
  if (used === pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  const random = Buffer.from(pool.subarray(used, used + 10));
  used += 10;
  random[0] = ((random[0] as number) & 0x0f) | 0x70;
  random[2] = ((random[2] as number) & 0x3f) | 0x80;
  const time = nowMs.toString(16).padStart(12, '0');
  const tail = random.toString('hex');
  return `${time.slice(0, 8)}-${time.slice(8)}-${tail.slice(0, 4)}-${tail.slice(4, 8)}-${tail.slice(8)}`;
};
