/** Builders for the parts of an ONNX model, for trainers and tests that write one. */
import {
  attributeTypes,
  elementTypes,
  type OnnxAttribute,
  type OnnxModel,
  type OnnxNode,
  type OnnxTensor,
  type OnnxValueInfo,
} from './types.ts';

const emptyTensor = {
  floatData: [],
  int32Data: [],
  stringData: [],
  int64Data: [],
  doubleData: [],
  uint64Data: [],
  externalData: [],
};
const emptyAttribute = { floats: [], ints: [], strings: [], tensors: [], graphs: [], sparseTensors: [] };

/** A float32 tensor of the given shape, row-major, stored as raw little-endian bytes. */
export const floatTensor = (name: string, dims: number[], values: ArrayLike<number>): OnnxTensor => {
  const rawData = new Uint8Array(values.length * 4);
  const view = new DataView(rawData.buffer);
  for (let index = 0; index < values.length; index++) view.setFloat32(index * 4, values[index] as number, true);
  return { ...emptyTensor, name, dims, dataType: elementTypes.float32, rawData };
};

export const int64Tensor = (name: string, dims: number[], values: number[]): OnnxTensor => ({
  ...emptyTensor,
  name,
  dims,
  dataType: elementTypes.int64,
  int64Data: values,
});

/** A float32 tensor of a graph's border; a string dimension is free, such as "n". */
export const floatValue = (name: string, shape: readonly (number | string)[]): OnnxValueInfo => ({
  name,
  type: {
    tensorType: {
      elemType: elementTypes.float32,
      shape: { dim: shape.map((dim) => (typeof dim === 'number' ? { dimValue: dim } : { dimParam: dim })) },
    },
  },
});

const text = new TextEncoder();
export const attribute = {
  float: (name: string, f: number): OnnxAttribute => ({ ...emptyAttribute, name, type: attributeTypes.float, f }),
  int: (name: string, i: number): OnnxAttribute => ({ ...emptyAttribute, name, type: attributeTypes.int, i }),
  string: (name: string, s: string): OnnxAttribute => ({
    ...emptyAttribute,
    name,
    type: attributeTypes.string,
    s: text.encode(s),
  }),
  floats: (name: string, floats: number[]): OnnxAttribute => ({ ...emptyAttribute, name, type: attributeTypes.floats, floats }),
  ints: (name: string, ints: number[]): OnnxAttribute => ({ ...emptyAttribute, name, type: attributeTypes.ints, ints }),
  strings: (name: string, strings: string[]): OnnxAttribute => ({
    ...emptyAttribute,
    name,
    type: attributeTypes.strings,
    strings: strings.map((s) => text.encode(s)),
  }),
};

/** A node; `domain` is "" for ONNX's own operators and "ai.onnx.ml" for the classical ones. */
export const node = (
  opType: string,
  input: string[],
  output: string[],
  attributes: OnnxAttribute[] = [],
  domain = '',
): OnnxNode => ({
  opType,
  input,
  output,
  name: `${opType}:${output[0]}`,
  attribute: attributes,
  domain,
});

/** Opset 17 and IR 8 are old enough for every runtime of the last years; ml 3 has the tree ensembles. */
const opsetImport = [
  { domain: '', version: 17 },
  { domain: 'ai.onnx.ml', version: 3 },
];

export const model = (parts: {
  name: string;
  input: OnnxValueInfo[];
  output: OnnxValueInfo[];
  node: OnnxNode[];
  initializer: OnnxTensor[];
  metadata?: Readonly<Record<string, string>>;
}): OnnxModel => ({
  irVersion: 8,
  producerName: 'perennial',
  opsetImport,
  metadataProps: Object.entries(parts.metadata ?? {}).map(([key, value]) => ({ key, value })),
  trainingInfo: [],
  functions: [],
  graph: {
    name: parts.name,
    input: parts.input,
    output: parts.output,
    node: parts.node,
    initializer: parts.initializer,
    sparseInitializer: [],
    valueInfo: [],
  },
});
