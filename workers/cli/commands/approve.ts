import type { Command } from 'commander';
import { registerDecision } from '../decide-promotion.ts';

export const register = (program: Command): void =>
  registerDecision(program, 'approve', 'Approve a promotion that waits for a person');
