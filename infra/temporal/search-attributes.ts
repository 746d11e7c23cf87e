import type { Connection } from '@temporalio/client';
import { PerennialError } from '#domain/errors.ts';
import { searchAttributes } from '../../workflows/names.ts';

/** INDEXED_VALUE_TYPE_KEYWORD in Temporal's API. */
const keyword = 2;

const missingOf = async ({ operatorService }: Connection, namespace: string): Promise<string[]> => {
  const known = await operatorService.listSearchAttributes({ namespace });
  return Object.values(searchAttributes).filter((name) => !(name in (known.customAttributes ?? {})));
};

const refused = (namespace: string, missing: readonly string[], cause: Error): PerennialError => {
  const flags = missing.map((name) => `--name ${name} --type Keyword`).join(' ');
  return new PerennialError(
    'PRN_UNREACHABLE',
    `Cannot register search attributes in namespace "${namespace}" (${cause.message}): have an operator run ` +
      `\`temporal operator search-attribute create --namespace ${namespace} ${flags}\``,
    { cause },
  );
};

/** Registers our search attributes where a server that we did not start lacks them; needs the right to do so only then. */
export const ensureSearchAttributes = async (connection: Connection, namespace: string): Promise<void> => {
  const missing = await missingOf(connection, namespace);
  if (missing.length === 0) return;
  const types = Object.fromEntries(missing.map((name) => [name, keyword]));
  await connection.operatorService.addSearchAttributes({ namespace, searchAttributes: types }).catch(async (cause: Error) => {
    // Of two who register them at once one is refused: what counts is whether they are there.
    const left = await missingOf(connection, namespace);
    if (left.length > 0) throw refused(namespace, left, cause);
  });
};
