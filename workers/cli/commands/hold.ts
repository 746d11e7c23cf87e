import type { Command } from 'commander';
import { registerRolloutWord } from '../rollout-word.ts';

export const register = (program: Command): void =>
  registerRolloutWord(program, 'hold', 'Keep a rollout at its present share until someone resumes it; harm still takes it back');
