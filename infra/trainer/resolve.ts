/** Finds a trainer by its name in the pipeline file and says how to launch it. */
import { join, resolve } from 'node:path';
import type { Sha256 } from '#domain/units.ts';
import type { Config } from '../config.ts';
import { digestOfJson } from '../objects/digest.ts';
import { digestFiles, digestFolder } from './digest-files.ts';
import { type PythonEnvironment, prepareLightGbm, preparePythonEnvironment, trainersFolder } from './environment.ts';
import { findTrainerFolder } from './find-trainer.ts';
import type { TrainerLaunch } from './launch.ts';
import { findPython } from './python.ts';
import { readTrainerFile, type TrainerFile } from './trainer-file.ts';

type Say = (line: string) => void;
export type ResolveTrainer = (name: string, pipelineFolder: string | null) => Promise<TrainerLaunch>;

const root = resolve(trainersFolder, '../..');

/** All that decides what the reference trainer computes; its tests fail when it imports a file that is not listed. */
export const referenceFiles = [
  'workers/trainers/reference/checkpoint.ts',
  'workers/trainers/reference/export.ts',
  'workers/trainers/reference/job.ts',
  'workers/trainers/reference/main.ts',
  'workers/trainers/reference/matrix.ts',
  'workers/trainers/reference/minimise.ts',
  'workers/trainers/reference/objective.ts',
  'workers/trainers/reference/stop.ts',
  'infra/features/npy.ts',
  'infra/onnx/builders.ts',
  'infra/onnx/messages.ts',
  'infra/onnx/proto.ts',
  'infra/onnx/types.ts',
] as const;

const resolveReference = async (config: Config): Promise<TrainerLaunch> => ({
  name: 'reference',
  codeSha256: await digestFiles(root, referenceFiles),
  command: process.execPath,
  arguments: [join(trainersFolder, 'reference/main.ts')],
  environment: { ...config.programEnvironment, NODE_NO_WARNINGS: '1' },
});

/** Python's own settings: text at once and in UTF-8, no byte code beside the sources, nothing from a user's site folder. */
const pythonSettings = {
  // Waiting threads sleep: on a machine that also serves, spinning ones take the cores of everybody else.
  OMP_WAIT_POLICY: 'PASSIVE',
  PYTHONUNBUFFERED: '1',
  PYTHONUTF8: '1',
  PYTHONDONTWRITEBYTECODE: '1',
  PYTHONNOUSERSITE: '1',
};

const resolveLightGbm = async (config: Config, say: Say): Promise<TrainerLaunch> => {
  const environment = await prepareLightGbm(config, say);
  const folder = join(trainersFolder, 'lightgbm');
  return {
    name: 'lightgbm',
    codeSha256: digestOfJson([await digestFolder(folder), environment.sha256]),
    command: environment.python,
    arguments: [join(folder, 'train.py')],
    environment: { ...config.programEnvironment, ...pythonSettings, ...environment.variables },
  };
};

type Interpreter = {
  readonly python: string;
  readonly sha256: Sha256 | null;
  readonly variables: PythonEnvironment['variables'];
};

/** A trainer that extends the built-in one is another as soon as that one is. */
const builtInInterpreter = async (config: Config, say: Say): Promise<Interpreter> => {
  const { command, codeSha256, environment } = await resolveLightGbm(config, say);
  const variables = { ...environment, PYTHONPATH: join(trainersFolder, 'lightgbm') };
  return { python: command, sha256: codeSha256, variables };
};

const interpreterFor = async (config: Config, folder: string, file: TrainerFile, say: Say): Promise<Interpreter | null> => {
  if (file.extends === 'lightgbm') return builtInInterpreter(config, say);
  if (file.requirements !== undefined) {
    const requirements = { name: 'own', file: join(folder, file.requirements), openMpFile: null, imports: ['sys'] };
    return preparePythonEnvironment(config, requirements, say);
  }
  if (file.command[0] !== 'python') return null;
  const found = await findPython(config);
  return { python: found.executable, sha256: digestOfJson([found.version, found.platform]), variables: {} };
};

const resolveFolder = async (config: Config, folder: string, say: Say): Promise<TrainerLaunch> => {
  const file = await readTrainerFile(folder);
  const interpreter = await interpreterFor(config, folder, file, say);
  const inFolder = (word: string): string => (word.startsWith('./') ? join(folder, word) : word);
  const [program, ...rest] = file.command as [string, ...string[]];
  const named: Readonly<Record<string, string | undefined>> = { python: interpreter?.python, node: process.execPath };
  return {
    name: folder.split('/').at(-1) as string,
    codeSha256: digestOfJson([await digestFolder(folder), interpreter?.sha256 ?? null]),
    command: named[program] ?? inFolder(program),
    arguments: rest.map(inFolder),
    environment: { ...config.programEnvironment, ...pythonSettings, ...interpreter?.variables, ...file.environment },
  };
};

/**
 * A name is "lightgbm", "reference", or a folder that holds a `trainer.json`, relative to the pipeline's. Sets an environment
 * up where it is missing, and `say` hears why that takes time. Throws PRN_TRAINER_UNKNOWN, PRN_TRAINER_ENVIRONMENT.
 */
export const resolveTrainer =
  (config: Config, say: Say = () => {}): ResolveTrainer =>
  (name, pipelineFolder) => {
    if (name === 'reference') return resolveReference(config);
    if (name === 'lightgbm') return resolveLightGbm(config, say);
    return Promise.resolve().then(() => resolveFolder(config, findTrainerFolder(name, pipelineFolder), say));
  };
