import type { Command } from 'commander';
import { print } from '../output.ts';

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
    .addHelpText(
      'after',
      `\nExample:\n  $ perennial predict churn '{"tenure": 5, "monthly_charges": 70.5, "total_charges": 350, "contract": "monthly", "payment_method": "card"}'`,
    )
    .action(async (pipeline: string, row: string | undefined) => {
      const { loadConfig } = await import('../../../infra/config.ts');
      const { resolveEndpoints } = await import('../../../infra/state/endpoints.ts');
      const { PerennialError, errorRegistry } = await import('#domain/errors.ts');
      const { serveUrl } = await resolveEndpoints(loadConfig());
      const answer = await fetch(`${serveUrl}/predict/${encodeURIComponent(pipeline)}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: await readBody(row),
      }).catch((cause: unknown) => {
        throw new PerennialError('PRN_UNREACHABLE', `Cannot ask for a prediction: no server answers at ${serveUrl}`, { cause });
      });
      const body = (await answer.json()) as { error?: { code: keyof typeof errorRegistry; message: string } };
      if (answer.ok) return print(JSON.stringify(body, null, 2));
      print(JSON.stringify(body, null, 2));
      process.exitCode = body.error && body.error.code in errorRegistry ? errorRegistry[body.error.code].exit : 1;
      return undefined;
    });
};
