/** The compose file against the specification's own schema, and against what stands in the tree. */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { searchAttributes } from '../../workflows/names.ts';

const root = resolve(import.meta.dirname, '../..');
const specification = 'github.com/compose-spec/compose-go/v2@v2.16.2';
const hasGo = spawnSync('go', ['version']).status === 0;
const compose = parse(readFileSync(join(root, 'docker-compose.yml'), 'utf8'), { merge: true }) as {
  services: Record<
    string,
    { build?: { dockerfile: string }; depends_on?: Record<string, unknown>; ports?: string[]; image?: string }
  >;
};
const services = Object.entries(compose.services);

describe('docker-compose.yml', () => {
  it.runIf(hasGo || process.env.CI)('is valid against the schema of the compose specification', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'perennial-compose-'));
    const found = JSON.parse(
      execFileSync('go', ['mod', 'download', '-json', specification], { cwd: folder, encoding: 'utf8' }),
    ) as { Dir: string };
    const schema = JSON.parse(readFileSync(join(found.Dir, 'schema/compose-spec.json'), 'utf8')) as object;
    const { Ajv2020 } = (await import('ajv/dist/2020.js')) as unknown as {
      Ajv2020: new (options: object) => { validate(schema: object, value: unknown): boolean; errors?: unknown };
    };
    const ajv = new Ajv2020({ strict: false, validateFormats: false, allErrors: true });
    const valid = ajv.validate(schema, compose);
    expect(ajv.errors ?? []).toEqual([]);
    expect(valid).toBe(true);
  });

  it('builds from Dockerfiles that are there, with folders that are there', () => {
    const files = [...new Set(services.flatMap(([, service]) => service.build?.dockerfile ?? []))];
    expect(files.sort()).toEqual(['infra/docker/serving.Dockerfile', 'infra/docker/worker.Dockerfile']);
    for (const file of files) {
      const copied = [...readFileSync(join(root, file), 'utf8').matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap((match) =>
        (match[1] as string).split(' '),
      );
      expect(copied.filter((path) => !existsSync(join(root, path)))).toEqual([]);
    }
  });

  it('publishes on loopback only, pins every image, and waits only for services that it has', () => {
    const ports = services.flatMap(([, service]) => service.ports ?? []);
    expect(ports.filter((port) => !port.startsWith('127.0.0.1:'))).toEqual([]);
    expect(
      services.filter(([, { image }]) => !image || !image.includes(':') || image.endsWith(':latest')).map(([name]) => name),
    ).toEqual([]);
    const wanted = services.flatMap(([, service]) => Object.keys(service.depends_on ?? {}));
    expect(wanted.filter((name) => !(name in compose.services))).toEqual([]);
  });

  it('registers every search attribute', () => {
    const script = readFileSync(join(root, 'infra/temporal/compose/setup-namespace.sh'), 'utf8');
    expect(Object.values(searchAttributes).filter((name) => !script.includes(name))).toEqual([]);
  });
});
