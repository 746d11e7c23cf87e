import type { Command } from 'commander';
import { paint, print, printJson } from '../output.ts';

const checkFailed = 3;

export const register = (program: Command): void => {
  program
    .command('verify')
    .description('Check that database, store and audit log agree; exit code 3 where they do not')
    .option('--json', 'one JSON document')
    .addHelpText('after', '\nExample:\n  $ perennial verify || echo "look at it"')
    .action(async (options: { json?: boolean }) => {
      const { withContext } = await import('../context.ts');
      const { verifyAll } = await import('../../../infra/verify.ts');
      await withContext(async (context) => {
        const findings = await verifyAll({ db: context.database.db, objects: context.objects });
        if (findings.some((finding) => !finding.holds)) process.exitCode = checkFailed;
        if (options.json) return printJson({ findings });
        for (const finding of findings)
          print(`${finding.holds ? paint('green', 'holds') : paint('red', 'fails')}  ${finding.invariant}  ${finding.statement}`);
        return undefined;
      });
    });
};
