/** Finds a Python that trainers can use: PERENNIAL_PYTHON, else the first python3 of at least 3.10 with venv and pip. */
import { z } from 'zod';
import { PerennialError } from '#domain/errors.ts';
import type { Config } from '../config.ts';
import { runProgram } from './program.ts';

const probeSchema = z.object({
  executable: z.string(),
  version: z.tuple([z.int(), z.int(), z.int()]),
  platform: z.string(),
  missing: z.array(z.string()),
  freeThreaded: z.boolean(),
});
/** `version` is such as "3.12.4"; `executable` is the interpreter itself, not a shim on the way to it. */
export type Python = { readonly executable: string; readonly version: string; readonly platform: string };

const probe = `
import importlib.util, json, platform, sys, sysconfig
print(json.dumps({
    "executable": getattr(sys, "_base_executable", None) or sys.executable,
    "version": sys.version_info[:3],
    "platform": sys.platform + "-" + platform.machine(),
    "missing": [name for name in ("venv", "ensurepip", "ctypes") if importlib.util.find_spec(name) is None],
    "freeThreaded": bool(sysconfig.get_config_var("Py_GIL_DISABLED")),
}))`;

/** Generous: a cold start from a slow disk, with a version manager's shim in between. */
const probeTimeoutMs = 20_000;

/** The newest that the requirement files have wheels for comes first only where the plain name does not do. */
const usualNames = ['python3', 'python3.13', 'python3.12', 'python3.14', 'python3.11', 'python3.10', 'python'];

type Probed = { readonly python: Python } | { readonly reason: string };

const judge = (found: z.infer<typeof probeSchema>): Probed => {
  const [major, minor] = found.version;
  const version = found.version.join('.');
  if (major !== 3 || minor < 10) return { reason: `it is Python ${version}: at least 3.10 is needed` };
  if (found.missing.length > 0) {
    return { reason: `its Python ${version} lacks ${found.missing.join(' and ')}: on Debian and Ubuntu install python3-venv` };
  }
  if (found.freeThreaded) return { reason: `its Python ${version} is a free-threaded build, for which there are no packages` };
  return { python: { executable: found.executable, version, platform: found.platform } };
};

const probePython = async (name: string, config: Config): Promise<Probed> => {
  const end = await runProgram(name, ['-I', '-c', probe], {
    environment: config.programEnvironment,
    timeoutMs: probeTimeoutMs,
  });
  if (end.exitCode !== 0) return { reason: end.errorTail.split('\n').at(-1) || 'it cannot be run' };
  try {
    return judge(probeSchema.parse(JSON.parse(end.output.split('\n').at(-1) ?? '')));
  } catch {
    return { reason: 'it does not answer as Python does' };
  }
};

/** What was found, or why each candidate cannot be used. */
export const checkPython = async (config: Config): Promise<Python | { readonly problems: readonly string[] }> => {
  const problems: string[] = [];
  for (const name of config.python === null ? usualNames : [config.python]) {
    const probed = await probePython(name, config);
    if ('python' in probed) return probed.python;
    if (!/ENOENT/.test(probed.reason) || config.python !== null) problems.push(`"${name}": ${probed.reason}`);
  }
  return { problems };
};

export const isPythonUsable = async (config: Config): Promise<boolean> => !('problems' in (await checkPython(config)));

/** Throws PRN_TRAINER_ENVIRONMENT, which says what to install. */
export const findPython = async (config: Config): Promise<Python> => {
  const found = await checkPython(config);
  if (!('problems' in found)) return found;
  const why = found.problems.length === 0 ? 'none is on the PATH' : found.problems.join('; ');
  throw new PerennialError(
    'PRN_TRAINER_ENVIRONMENT',
    `Cannot find a Python as version 3.10 or newer with venv and pip is needed: ${why}. ` +
      'Install python3 with python3-venv, name one in PERENNIAL_PYTHON, or set training.trainer to "reference", which needs none',
  );
};
