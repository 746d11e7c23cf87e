import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { Metrics } from './metrics.ts';

/** 10 ms: finer costs wake-ups all day; coarser hides the lag that one large inference makes. */
const resolutionMs = 10;
const quantiles = [0.5, 0.9, 0.99, 1];

/** Memory, start time and event-loop lag of this process, read at each scrape. Returns what stops it. */
export const observeProcess = (metrics: Metrics): (() => void) => {
  const delay = monitorEventLoopDelay({ resolution: resolutionMs });
  delay.enable();
  metrics.set('process_start_time_seconds', {}, (Date.now() - process.uptime() * 1000) / 1000);
  metrics.beforeExposition(() => {
    metrics.set('process_resident_memory_bytes', {}, process.memoryUsage.rss());
    for (const quantile of quantiles) {
      const lagMs = Math.max(0, delay.percentile(quantile * 100) / 1e6 - resolutionMs);
      metrics.set('perennial_event_loop_lag_seconds', { quantile }, Number.isFinite(lagMs) ? lagMs / 1000 : 0);
    }
    delay.reset();
  });
  return () => delay.disable();
};
