import { proxyActivities } from '@temporalio/workflow';

const { touch } = proxyActivities<{ touch(n: number): Promise<number> }>({
  taskQueue: 'perennial-cpu',
  startToCloseTimeout: '20s',
});

/** Takes one step after the other, each given what the one before answered. */
export async function stepAfterStep(steps: number): Promise<number> {
  let n = 0;
  for (let step = 0; step < steps; step += 1) n = await touch(n);
  return n;
}
