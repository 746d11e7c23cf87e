/** Points a schema's complaint at the line of the file that caused it. */
import { type Document, isMap, isPair, isScalar, LineCounter, type Node, parseDocument } from 'yaml';

export type Located = { readonly document: Document.Parsed; readonly lines: LineCounter };

export const parseYaml = (text: string): Located => {
  const lines = new LineCounter();
  return { document: parseDocument(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: true }), lines };
};

type Path = readonly PropertyKey[];

/** Offset of a value, or of the key `key` inside the map at `path`; falls back to the nearest parent that exists. */
export const offsetOf = ({ document }: Located, path: Path, key?: string): number => {
  const node = path.length === 0 ? document.contents : (document.getIn(path as unknown[], true) as Node | undefined);
  if (key !== undefined && isMap(node)) {
    const pair = node.items.find((item) => isPair(item) && isScalar(item.key) && String(item.key.value) === key);
    if (pair && isScalar(pair.key)) return pair.key.range?.[0] ?? 0;
  }
  if (node && typeof node === 'object' && 'range' in node && node.range) return node.range[0];
  return path.length === 0 ? 0 : offsetOf({ document } as Located, path.slice(0, -1), String(path.at(-1)));
};

/** "31:18", counted from one. */
export const positionOf = (located: Located, path: Path, key?: string): string => {
  const { line, col } = located.lines.linePos(offsetOf(located, path, key));
  return `${line}:${col}`;
};
