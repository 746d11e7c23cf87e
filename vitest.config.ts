import { defineConfig } from 'vitest/config';

/** Behind what is waited for are servers and processes: on a machine that is busy a second, which is the default, is nothing. */
const patience = { poll: { timeout: 30_000 } };
const project = (name: string, include: string[], extra: object = {}) => ({
  test: { name, include, pool: 'forks' as const, testTimeout: 60_000, hookTimeout: 120_000, expect: patience, ...extra },
});
const servers = { globalSetup: ['test/support/global-setup.ts'] };

/** Projects follow the table of test/README.md: what is real and what a command needs. */
export default defineConfig({
  test: {
    reporters: ['default'],
    projects: [
      project('domain', ['test/domain/**/*.test.ts']),
      project('calibration', ['test/calibration/**/*.test.ts']),
      project('house', ['test/house/**/*.test.ts']),
      project('infra', ['test/{infra,activities,serving,cli,bench}/**/*.test.ts'], servers),
      project('trainer', ['test/workers/**/*.test.ts'], servers),
      project('flow', ['test/{workflows,replay}/**/*.test.ts'], servers),
      project('e2e', ['test/e2e/**/*.test.ts'], { ...servers, testTimeout: 600_000, fileParallelism: false }),
    ],
  },
});
