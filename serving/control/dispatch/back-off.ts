export type BackOff = { readonly firstMs: number; readonly mostMs: number };

/**
 * How long to wait after the given attempt, counted from one: doubled each time up to the most, and between half and
 * all of it by chance, so that what failed together does not come again together. `random` is in [0, 1).
 */
export const backOffMs = ({ firstMs, mostMs }: BackOff, attempts: number, random: number): number => {
  const full = Math.min(mostMs, firstMs * 2 ** Math.min(attempts - 1, 40));
  return full * (0.5 + random / 2);
};
