import { believedWindows, type CountedWindow } from './data-time.ts';

export type WindowSpan = { readonly fromMs: number; readonly toMs: number };

export type WindowQuestion = {
  readonly windowMs: number;
  /** A window closes so long after its end. */
  readonly latenessMs: number;
  readonly dataTimeMs: number;
  /** End of the last window that was measured; null where none was. */
  readonly judgedUntilMs: number | null;
  /** Rows by window of the profile in question, and of all profiles. */
  readonly own: readonly CountedWindow[];
  readonly all: readonly CountedWindow[];
  readonly wallMs: number;
  readonly most: number;
};

/** Without a row in so many windows, the rest of the gap tells nothing new. */
const emptyAtOnce = 3;

/**
 * The windows of a profile that closed and were not measured yet, oldest first, at most `most`, and whether there are more.
 * They begin with the first window that enough rows of the profile stand behind, and leave none out, so that a window
 * without rows is seen to be missing; but of a long gap only its first three.
 *
 * Source: definition.
 */
export const windowsToMeasure = (question: WindowQuestion): { readonly windows: WindowSpan[]; readonly more: boolean } => {
  const { windowMs, latenessMs, dataTimeMs, judgedUntilMs, own, all, wallMs, most } = question;
  const first = judgedUntilMs ?? believedWindows(own, wallMs)[0]?.fromMs ?? null;
  if (first === null) return { windows: [], more: false };
  const filled = new Set(all.filter(({ rows }) => rows > 0).map(({ fromMs }) => fromMs));
  const known = [...filled].sort((left, right) => left - right);
  const windows: WindowSpan[] = [];
  let empty = 0;
  for (let fromMs = first; fromMs + windowMs + latenessMs <= dataTimeMs; fromMs += windowMs) {
    empty = filled.has(fromMs) ? 0 : empty + 1;
    if (empty > emptyAtOnce) {
      const next = known.find((ms) => ms > fromMs);
      if (next === undefined) break;
      fromMs = next - windowMs;
      continue;
    }
    if (windows.length === most) return { windows, more: true };
    windows.push({ fromMs, toMs: fromMs + windowMs });
  }
  return { windows, more: false };
};
