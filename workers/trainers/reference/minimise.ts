/**
 * Limited-memory BFGS with a backtracking line search, one iteration at a time, on a state that can be written down: a run that
 * was interrupted and goes on from its state takes the same steps as one that was not.
 * Source: Nocedal and Wright, Numerical Optimization (2006), algorithms 7.4 and 7.5, and 3.1 for the search.
 */
import type { Objective } from './objective.ts';

export type MinimiserState = {
  iteration: number;
  value: number;
  weights: Float64Array;
  gradient: Float64Array;
  /** Steps and changes of the gradient, newest last; at most `memory` of each. */
  steps: Float64Array[];
  changes: Float64Array[];
};

/** More pairs approximate the curvature better and cost time in proportion; beyond ten the gain is small. */
const memory = 10;
/** A step must gain at least this share of what the slope promises. */
const sufficientDecrease = 1e-4;
const largestHalvings = 40;

const dot = (a: Float64Array, b: Float64Array): number => {
  let sum = 0;
  for (let index = 0; index < a.length; index++) sum += (a[index] as number) * (b[index] as number);
  return sum;
};
const addInPlace = (target: Float64Array, factor: number, by: Float64Array): void => {
  for (let index = 0; index < target.length; index++) (target[index] as number) += factor * (by[index] as number);
};

export const startState = (objective: Objective, size: number): MinimiserState => {
  const weights = new Float64Array(size);
  const gradient = new Float64Array(size);
  return { iteration: 0, value: objective(weights, gradient), weights, gradient, steps: [], changes: [] };
};

export const largestSlope = (state: MinimiserState): number =>
  state.gradient.reduce((most, slope) => Math.max(most, Math.abs(slope)), 0);

/** The two-loop recursion: minus an approximation of the inverse Hessian times the gradient. */
const descentDirection = ({ gradient, steps, changes }: MinimiserState): Float64Array => {
  const direction = gradient.map((slope) => -slope);
  const shares: number[] = [];
  for (let index = steps.length - 1; index >= 0; index--) {
    const step = steps[index] as Float64Array;
    const change = changes[index] as Float64Array;
    const share = dot(step, direction) / dot(step, change);
    shares[index] = share;
    addInPlace(direction, -share, change);
  }
  const newest = changes.at(-1);
  if (newest !== undefined) {
    const scale = dot(steps.at(-1) as Float64Array, newest) / dot(newest, newest);
    for (let index = 0; index < direction.length; index++) (direction[index] as number) *= scale;
  }
  for (let index = 0; index < steps.length; index++) {
    const step = steps[index] as Float64Array;
    const change = changes[index] as Float64Array;
    addInPlace(direction, (shares[index] as number) - dot(change, direction) / dot(step, change), step);
  }
  return direction;
};

const remember = (state: MinimiserState, step: Float64Array, change: Float64Array): void => {
  // Without positive curvature the pair would spoil the approximation.
  if (dot(step, change) <= 1e-12 * dot(change, change)) return;
  state.steps.push(step);
  state.changes.push(change);
  if (state.steps.length > memory) {
    state.steps.shift();
    state.changes.shift();
  }
};

/** Takes one step in place. Returns false where no step lowers the objective any more: the state is then the answer. */
export const iterateInPlace = (state: MinimiserState, objective: Objective): boolean => {
  const direction = descentDirection(state);
  const slope = dot(state.gradient, direction);
  if (!(slope < 0)) return false;
  let length = state.steps.length === 0 ? Math.min(1, 1 / Math.sqrt(dot(state.gradient, state.gradient))) : 1;
  const gradient = new Float64Array(direction.length);
  for (let halving = 0; halving < largestHalvings; halving++, length /= 2) {
    const weights = state.weights.map((weight, index) => weight + length * (direction[index] as number));
    const value = objective(weights, gradient);
    if (!(value <= state.value + sufficientDecrease * length * slope)) continue;
    const change = gradient.map((one, index) => one - (state.gradient[index] as number));
    remember(
      state,
      direction.map((one) => one * length),
      change,
    );
    Object.assign(state, { iteration: state.iteration + 1, value, weights, gradient });
    return true;
  }
  return false;
};
