/** Adds up what really ran: every test of the report, the check as one, and one failure where the runner itself failed. */
import { readFileSync } from 'node:fs';

const [reportFile, checksFailed, testsExit] = process.argv.slice(2);
const read = () => {
  try {
    return JSON.parse(readFileSync(reportFile, 'utf8'));
  } catch {
    return null;
  }
};
const report = read();
const tests = (report?.testResults ?? []).flatMap((file) => file.assertionResults);
const count = (...states) => tests.filter((test) => states.includes(test.status)).length;
const skippedTests = tests.filter((test) => ['skipped', 'pending', 'todo'].includes(test.status));
for (const test of skippedTests) console.log(`skipped: ${test.fullName}`);

const brokenFiles = (report?.testResults ?? []).filter(
  (file) => file.status === 'failed' && file.assertionResults.length === 0,
).length;
const failedTests = count('failed') + brokenFiles;
// The runner may fail without a failed test: an unhandled error, or no report at all.
const runnerFailed = testsExit !== '0' && failedTests === 0 ? 1 : 0;
const failed = failedTests + runnerFailed + Number(checksFailed);
const passed = count('passed') + (checksFailed === '0' ? 1 : 0);
const skipped = skippedTests.length;
console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`);
process.exitCode = failed > 0 || passed === 0 ? 1 : 0;
