/**
 * As much of a text as `width` holds, with "…" where something is left out: whole clauses where most of it stays so, else
 * whole words, so that no number is cut in two. One word that is longer is cut where it must be.
 */
export const cut = (text: string, width: number): string => {
  if (text.length <= width) return text;
  const head = text.slice(0, width - 1);
  const clause = head.lastIndexOf('; ') + 1;
  const word = head.lastIndexOf(' ');
  const end = clause > width / 2 ? clause : word > width / 2 ? word : head.length;
  return `${head.slice(0, end)}${end === head.length ? '' : ' '}…`;
};
