/** What a trainer's name in a pipeline file stands for. */
import { existsSync } from 'node:fs';
import { isAbsolute, join, resolve } from 'node:path';
import { PerennialError } from '#domain/errors.ts';
import { nearestName } from '#domain/features/nearest-name.ts';

export const builtInTrainers = ['lightgbm', 'reference'] as const;

/** The folder that a name means, which is no built-in one; relative names begin at the pipeline's. Throws PRN_TRAINER_UNKNOWN. */
export const findTrainerFolder = (name: string, pipelineFolder: string | null): string => {
  const folder = isAbsolute(name) || pipelineFolder === null ? name : resolve(pipelineFolder, name);
  if (isAbsolute(folder) && existsSync(join(folder, 'trainer.json'))) return folder;
  const near = nearestName(name, builtInTrainers);
  const none = near === null ? 'there is none of this name' : `did you mean "${near}"?`;
  const where = /^[./]/.test(name) ? `"${folder}" holds no trainer.json` : none;
  throw new PerennialError(
    'PRN_TRAINER_UNKNOWN',
    `Cannot find trainer "${name}" as it must be ${builtInTrainers.join(', ')} or a folder with a trainer.json: ${where}`,
  );
};

/**
 * Refuses a name that no machine can know: the earlier, the less is done in vain. Where this machine does not have the
 * pipeline's folder, or the name is a place on the machine that trains, only that one can say. Throws PRN_TRAINER_UNKNOWN.
 */
export const checkTrainerName = (name: string, pipelineFolder: string | null): void => {
  if (builtInTrainers.some((known) => known === name) || isAbsolute(name)) return;
  if (pipelineFolder === null || existsSync(pipelineFolder)) findTrainerFolder(name, pipelineFolder);
};
