import type { Sha256 } from '#domain/units.ts';

/** How to start a trainer: a program with its arguments, to which the name of the job file is added. No shell is involved. */
export type TrainerLaunch = {
  readonly name: string;
  /** Digest of the trainer's program and environment; part of the training key. */
  readonly codeSha256: Sha256;
  readonly command: string;
  readonly arguments: readonly string[];
  /** Its whole environment; nothing is inherited, so that no credential reaches a trainer by accident. */
  readonly environment: Readonly<Record<string, string>>;
};
