import { expect, test } from 'vitest';
import { stageMark } from '../../workers/cli/stage-mark.ts';
import { acceptData } from '../../workflows/domain/decide/accept-data.ts';

test.each([
  ['ingest', '10 rows, 0 rejected', '✓'],
  ['gate', 'pass: roc_auc 0.7 >= 0.6', '✓'],
  ['gate', 'fail: roc_auc 0.5 >= 0.6 does not hold', '✗'],
  ['gate', 'error: no reference', '✗'],
  ['gate', 'inconclusive: gain 0.01', '…'],
  ['promote', 'generation 1 is served by 1 of 1 server', '✓'],
  ['promote', 'Rolled back, harm is shown: errors', '✗'],
  ['promote', 'roc_auc 0.7 >= 0.6; Promoted: milliseconds in this step 2205 >= 2000', '✓'],
  ['promote', 'roc_auc 0.7 >= 0.6; version 2 is champion already', '✓'],
  ['promote', 'ada: complaints since noon', '✗'],
  // Only what judges is looked at.
  ['train', 'fail: is the name of a trainer', '✓'],
])('%s that ended with "%s" is marked %s', (stage, summary, sign) => {
  expect(stageMark(stage, summary)[0]).toBe(sign);
});

test('data that are refused are marked so, by the sentence of the rule itself', () => {
  const evidence = { reportSha256: 'a'.repeat(64), rows: 10, rejectedRows: 0, quarantinedRows: 0, failures: [], warnings: 0 };
  expect(stageMark('validate', acceptData(evidence).reason)[0]).toBe('✓');
  expect(stageMark('validate', acceptData({ ...evidence, failures: ['no rows'] }).reason)[0]).toBe('✗');
});
