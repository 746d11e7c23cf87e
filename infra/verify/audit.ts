import { type Finding, findingsOf, type VerifyDeps } from './finding.ts';

/** I11: the audit log was only appended to. */
export const verifyAudit = async ({ audit }: VerifyDeps): Promise<readonly Finding[]> => {
  const { brokenAt, entries } = await audit.verifyChain();
  const broken =
    brokenAt === null
      ? []
      : [{ subject: `audit/${brokenAt.id}`, statement: `Audit log breaks at entry ${brokenAt.id}: ${brokenAt.reason}` }];
  return findingsOf('I11', broken, `All ${entries} entries of the audit log follow each other`);
};
