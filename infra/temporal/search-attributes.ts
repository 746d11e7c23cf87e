import type { Connection } from '@temporalio/client';
import { PerennialError } from '#domain/errors.ts';
import { searchAttributes } from '../../workflows/names.ts';

/** INDEXED_VALUE_TYPE_KEYWORD in Temporal's API. */
const keyword = 2;

/** Registers our search attributes where a server that we did not start lacks them; needs the right to do so only then. */
export const ensureSearchAttributes = async (connection: Connection, namespace: string): Promise<void> => {
  const known = await connection.operatorService.listSearchAttributes({ namespace });
  const missing = Object.values(searchAttributes).filter((name) => !(name in (known.customAttributes ?? {})));
  if (missing.length === 0) return;
  const types = Object.fromEntries(missing.map((name) => [name, keyword]));
  await connection.operatorService.addSearchAttributes({ namespace, searchAttributes: types }).catch((cause: Error) => {
    const flags = missing.map((name) => `--name ${name} --type Keyword`).join(' ');
    throw new PerennialError(
      'PRN_UNREACHABLE',
      `Cannot register search attributes in namespace "${namespace}" (${cause.message}): have an operator run ` +
        `\`temporal operator search-attribute create --namespace ${namespace} ${flags}\``,
      { cause },
    );
  });
};
