/** Rule `clean-bundle`: what workflows replay in holds no schema library, no Node built-in, and nothing from other rooms. */
import { beforeAll, describe, expect, it } from 'vitest';
import { buildBundle } from '../../workers/bundle.ts';

/**
 * Bytes of code without the source map. Today it is four fifths of this, and a third of that is tracing. A schema library by
 * mistake adds half a megabyte, mathematics by mistake some ten thousand bytes; every worker start reads it all.
 */
const mostBytes = 1_900_000;

/** Webpack names each module it took in, on a line of its own. */
const modulesOf = (code: string): string[] => [...code.matchAll(/^\/\*\*\*\/ "([^"]+)"$/gm)].map((match) => match[1] as string);

describe('the workflow bundle', () => {
  let code: string;
  let modules: string[];
  beforeAll(async () => {
    code = (await buildBundle()).replace(/\/\/# sourceMappingURL=.*$/s, '');
    modules = modulesOf(code);
  }, 60_000);

  it('takes its own code from workflows/ only', () => {
    const own = modules.filter((path) => !path.includes('node_modules/') && path.startsWith('./'));
    expect(own.length).toBeGreaterThan(8);
    expect(own.filter((path) => !path.startsWith('./workflows/'))).toEqual([]);
  });

  it('holds no contract schemas and no mathematics', () => {
    expect(modules.filter((path) => /^\.\/workflows\/domain\/(contracts|stats|features)\//.test(path))).toEqual([]);
  });

  it("takes packages from Temporal's and OpenTelemetry's side only", () => {
    const packages = modules
      .map((path) => /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1])
      .filter((name) => name !== undefined);
    const allowed = /^(@temporalio\/(workflow|common|interceptors-opentelemetry|plugin)|@opentelemetry\/.*|nexus-rpc|long|ms)$/;
    expect([...new Set(packages)].filter((name) => !allowed.test(name))).toEqual([]);
  });

  it('reaches for no Node built-in', () => {
    expect([...code.matchAll(/require\(["'](node:[^"']+)["']\)/g)].map((match) => match[1])).toEqual([]);
    expect(modules.filter((path) => path.startsWith('node:'))).toEqual([]);
  });

  it('stays small', () => {
    expect(Buffer.byteLength(code)).toBeLessThan(mostBytes);
  });

  it('carries the tracing interceptors', () => {
    expect(modules.some((path) => path.endsWith('interceptors-opentelemetry/lib/workflow-interceptors.js'))).toBe(true);
  });
});
