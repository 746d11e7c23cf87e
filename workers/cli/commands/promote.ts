import type { Command } from 'commander';
import { registerRolloutWord } from '../rollout-word.ts';

export const register = (program: Command): void =>
  registerRolloutWord(program, 'promote', 'Give a candidate that is being rolled out all traffic now, unless it does harm');
