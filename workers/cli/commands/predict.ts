import type { Command } from 'commander';
import { printJson } from '../output.ts';

const readBody = async (row: string | undefined): Promise<string> => {
  if (row !== undefined && row !== '-') return row;
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
};

export const register = (program: Command): void => {
  program
    .command('predict')
    .description('Ask the champion for a prediction, over HTTP as everybody does')
    .argument('<pipeline>')
    .argument('[row]', 'JSON of one row; absent or "-": from standard input')
    .option('--json', 'an error as one JSON document too; an answer always is one')
    .addHelpText(
      'after',
      `\nExample:\n  $ perennial predict churn '{"tenure": 5, "monthly_charges": 70.5, "total_charges": 350, "contract": "month-to-month", "payment_method": "credit card"}'`,
    )
    .action(async (pipeline: string, row: string | undefined) => {
      const { loadConfig } = await import('../../../infra/config.ts');
      const { resolveEndpoints } = await import('../../../infra/state/endpoints.ts');
      const { PerennialError } = await import('#domain/errors.ts');
      const { serveUrl } = await resolveEndpoints(loadConfig());
      const answer = await fetch(`${serveUrl}/predict/${encodeURIComponent(pipeline)}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: await readBody(row),
      }).catch((cause: unknown) => {
        throw new PerennialError('PRN_UNREACHABLE', `Cannot ask for a prediction: no server answers at ${serveUrl}`, { cause });
      });
      if (answer.ok) return printJson(await answer.json());
      const { refusalOf } = await import('../predict-refusal.ts');
      throw refusalOf(answer.status, await answer.text());
    });
};
