/** What an ONNX file may hold. Each number says what it protects; onnxruntime's own limits were measured. */
export const fileLimits = {
  /** Loading takes several times the size; a model that is larger belongs on a server of its own. */
  bytes: 512 * 1024 * 1024,
  irVersions: { from: 3, to: 13 },
  /** Newest operator sets that onnxruntime 1.30 loads. Older ai.onnx than 7 is not promised by it. */
  opsets: { 'ai.onnx': { from: 7, to: 26 }, 'ai.onnx.ml': { from: 1, to: 5 } } as Readonly<
    Record<string, { from: number; to: number }>
  >,
  nodes: 100_000,
  /** Graphs inside graphs; each level costs the runtime stack. */
  nesting: 16,
  stringTensorBytes: 1024 * 1024,
} as const;

/** Operators that carry graphs of their own and may run for ever. */
export const refusedOperators: ReadonlySet<string> = new Set(['Loop', 'Scan', 'If']);

/** Bytes of one element by `TensorProto.DataType`; strings (8) have no fixed size. Four-bit types are left out: nobody serves them yet. */
export const elementBytes: Readonly<Record<number, number>> = {
  1: 4,
  2: 1,
  3: 1,
  4: 2,
  5: 2,
  6: 4,
  7: 8,
  9: 1,
  10: 2,
  11: 8,
  12: 4,
  13: 8,
  14: 8,
  15: 16,
  16: 2,
  17: 1,
  18: 1,
  19: 1,
  20: 1,
};
