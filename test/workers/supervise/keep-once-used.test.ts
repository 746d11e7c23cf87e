import { describe, expect, it } from 'vitest';
import { keepOnceUsed } from '../../../workers/supervise/server-units.ts';

describe('keepOnceUsed()', () => {
  it('asks again while nothing served, as for a port that was taken meanwhile', async () => {
    const ports = [5433, 41_001];
    const port = keepOnceUsed(async () => ports.shift() as number);
    expect(await port.get()).toBe(5433);
    expect(await port.get()).toBe(41_001);
  });

  it('keeps the first one that served, because clients know it', async () => {
    const ports = [5433, 41_001];
    const port = keepOnceUsed(async () => ports.shift() as number);
    port.keep(await port.get());
    expect(await port.get()).toBe(5433);
    port.keep(41_001);
    expect(await port.get()).toBe(5433);
  });
});
