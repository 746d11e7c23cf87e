import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, onTestFinished, test } from 'vitest';
import { findTemporalBinary, lookUpTemporalBinary, temporalVersion } from '../../../infra/temporal/binary.ts';
import { downloadedBinary, downloadTemporal } from '../../../infra/temporal/download.ts';
import { testFolder } from '../../support/servers.ts';

const run = promisify(execFile);

const newFolder = (): string => {
  const { folder, close } = testFolder();
  onTestFinished(close);
  return folder;
};

/** A program that answers `--version` as Temporal's does and can do nothing else. */
const answering = (file: string, answer: string): string => {
  writeFileSync(file, `#!/bin/sh\necho '${answer}'\n`);
  chmodSync(file, 0o755);
  return file;
};

test('the module that is built names the version that the cache is named for', () => {
  const module = readFileSync(new URL('../../../infra/temporal/server-build/go.mod', import.meta.url), 'utf8');
  expect(module).toMatch(new RegExp(`github\\.com/temporalio/cli v${temporalVersion.replaceAll('.', '\\.')}\\b`));
});

test.each([
  ['temporal version 1.5.1 (Server 1.29.1, UI 2.42.1)', { knowsNewsFlag: false }],
  ['temporal version 1.8.2 (Server 1.31.2, UI 2.50.1)', { knowsNewsFlag: true }],
  ['temporal version 0.0.0-DEV (Server 1.31.2, UI 2.50.1)', { knowsNewsFlag: true }],
])('a program named by the setting that says "%s" is used', async (answer, expected) => {
  const folder = newFolder();
  const binary = answering(join(folder, 'temporal'), answer);
  expect(await lookUpTemporalBinary({ cacheDir: folder, temporal: { binary } })).toEqual({ path: binary, ...expected });
});

test.each([
  ['temporal version 1.5.0 (Server 1.29.0, UI 2.41.0)', 'it is 1.5.0 (server 1.29.0)'],
  ['hello', 'it does not answer `--version`'],
])('a program named by the setting that says "%s" is refused', async (answer, reason) => {
  const folder = newFolder();
  const binary = answering(join(folder, 'temporal'), answer);
  await expect(findTemporalBinary({ cacheDir: folder, temporal: { binary } }, () => {})).rejects.toMatchObject({
    code: 'PRN_CONFIG_INVALID',
    message: expect.stringContaining(reason),
  });
});

test('a download is unpacked into the cache whole, and an unreachable service is no error', async () => {
  const folder = newFolder();
  mkdirSync(join(folder, 'packed'));
  copyFileSync(
    answering(join(folder, 'x'), 'temporal version 1.8.2 (Server 1.31.2, UI 2.50.1)'),
    join(folder, 'packed/temporal'),
  );
  await run('tar', ['-czf', join(folder, 'archive.tar.gz'), '-C', join(folder, 'packed'), 'temporal']);
  const server = createServer((request, response) => {
    const { port } = server.address() as AddressInfo;
    if (request.url?.startsWith('/archive')) response.end(readFileSync(join(folder, 'archive.tar.gz')));
    else response.end(JSON.stringify({ archiveUrl: `http://127.0.0.1:${port}/archive.tar.gz`, fileToExtract: 'temporal' }));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const service = `http://127.0.0.1:${(server.address() as AddressInfo).port}/cli/default`;
  const cache = join(folder, 'cache');
  expect(await downloadTemporal(cache, () => {}, service)).toBe(downloadedBinary(cache));
  expect((await run(downloadedBinary(cache), ['--version'])).stdout).toContain('1.8.2');
  server.close();
  server.closeAllConnections();
  expect(await downloadTemporal(join(folder, 'other'), () => {}, service)).toBeNull();
});
