import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { verdictSchema } from '#domain/contracts/verdict.ts';
import { acceptData, type DataEvidence } from '#domain/decide/accept-data.ts';

const evidence = (more: Partial<DataEvidence> = {}): DataEvidence =>
  Object.freeze({
    reportSha256: 'a'.repeat(64),
    rows: 10,
    rejectedRows: 0,
    quarantinedRows: 0,
    failures: [],
    warnings: 0,
    ...more,
  });

describe('acceptData()', () => {
  it('passes where nothing fails and rows are left', () => {
    const verdict = acceptData(evidence({ rejectedRows: 1, warnings: 2 }));
    expect(verdict.outcome).toBe('pass');
    expect(verdict.reason).toBe(
      'Data accepted: every check of severity fail holds, rows left 10 >= 1 (1 row rejected, 0 rows quarantined, 2 warnings)',
    );
    expect(verdict.evidenceIds).toEqual(['a'.repeat(64)]);
  });

  it('fails on a single broken finding, and says it', () => {
    const verdict = acceptData(evidence({ failures: ['rows >= 20: 10 rows'] }));
    expect(verdict.outcome).toBe('fail');
    expect(verdict.reason).toContain('broken checks 1 > 0: rows >= 20: 10 rows');
  });

  it('fails where quarantine leaves nothing, and where there was nothing', () => {
    expect(acceptData(evidence({ quarantinedRows: 10 })).outcome).toBe('fail');
    expect(acceptData(evidence({ rows: 0 })).reason).toContain('rows left 0 < 1');
  });

  it('is a valid verdict that passes exactly when all of its inequalities hold', () => {
    const count = fc.nat(1000);
    fc.assert(
      fc.property(count, count, fc.array(fc.string(), { maxLength: 3 }), (rows, quarantinedRows, failures) => {
        const verdict = verdictSchema.parse(acceptData(evidence({ rows, quarantinedRows, failures })));
        expect(verdict.outcome === 'pass').toBe(verdict.inequalities.every((inequality) => inequality.holds));
      }),
    );
  });
});
