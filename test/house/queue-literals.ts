/** Places that write a queue's or a workflow's name instead of taking it from workflows/names.ts. */
const literal = /['"`](perennial-(flow|cpu|gpu)|(retrain|roll-out|roll-back|watch-drift)\/)/;

export const queueLiterals = (files: readonly string[], codeOf: (file: string) => string): string[] =>
  files.filter((file) => file !== 'workflows/names.ts' && literal.test(codeOf(file)));
