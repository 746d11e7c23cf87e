/**
 * What `decodeModel` gives. Repeated fields are always arrays; a field that the file leaves out is absent, and writers
 * leave out what is empty or zero: an absent `domain` is ONNX's own, an absent `i` is 0.
 */
export type OnnxModel = {
  irVersion?: number;
  producerName?: string;
  producerVersion?: string;
  domain?: string;
  modelVersion?: number;
  docString?: string;
  graph: OnnxGraph;
  opsetImport: OnnxOpset[];
  metadataProps: OnnxEntry[];
  trainingInfo: OnnxTrainingInfo[];
  functions: OnnxFunction[];
};
export type OnnxGraph = {
  name?: string;
  docString?: string;
  node: OnnxNode[];
  initializer: OnnxTensor[];
  sparseInitializer: OnnxSparseTensor[];
  input: OnnxValueInfo[];
  output: OnnxValueInfo[];
  valueInfo: OnnxValueInfo[];
};
export type OnnxNode = {
  input: string[];
  output: string[];
  name?: string;
  opType?: string;
  domain?: string;
  attribute: OnnxAttribute[];
};
export type OnnxAttribute = {
  name?: string;
  /** Which of the fields below holds the value; see `attributeTypes`. */
  type?: number;
  f?: number;
  i?: number;
  s?: Uint8Array;
  t?: OnnxTensor;
  g?: OnnxGraph;
  floats: number[];
  ints: number[];
  strings: Uint8Array[];
  tensors: OnnxTensor[];
  graphs: OnnxGraph[];
  sparseTensor?: OnnxSparseTensor;
  sparseTensors: OnnxSparseTensor[];
};
export type OnnxTensor = {
  name?: string;
  dims: number[];
  /** See `elementTypes`. */
  dataType?: number;
  floatData: number[];
  int32Data: number[];
  stringData: Uint8Array[];
  int64Data: number[];
  doubleData: number[];
  uint64Data: number[];
  rawData?: Uint8Array;
  externalData: OnnxEntry[];
  /** 1: the values lie in another file. */
  dataLocation?: number;
};
export type OnnxSparseTensor = { values?: OnnxTensor; indices?: OnnxTensor; dims: number[] };
export type OnnxValueInfo = { name?: string; type?: OnnxType };
export type OnnxTensorType = { elemType?: number; shape?: { dim: { dimValue?: number; dimParam?: string }[] } };
export type OnnxType = {
  tensorType?: OnnxTensorType;
  sparseTensorType?: OnnxTensorType;
  sequenceType?: { elemType?: OnnxType };
  optionalType?: { elemType?: OnnxType };
  mapType?: { keyType?: number; valueType?: OnnxType };
  opaqueType?: { domain?: string; name?: string };
};
export type OnnxOpset = { domain?: string; version?: number };
export type OnnxEntry = { key?: string; value?: string };
export type OnnxFunction = { name?: string; domain?: string; node: OnnxNode[]; opsetImport: OnnxOpset[] };
export type OnnxTrainingInfo = { initialization?: OnnxGraph; algorithm?: OnnxGraph };

/** Numbers of `TensorProto.DataType`. */
export const elementTypes = {
  float32: 1,
  uint8: 2,
  int8: 3,
  uint16: 4,
  int16: 5,
  int32: 6,
  int64: 7,
  string: 8,
  bool: 9,
  float16: 10,
  float64: 11,
  uint32: 12,
  uint64: 13,
} as const;

/** Numbers of `AttributeProto.AttributeType`. */
export const attributeTypes = {
  float: 1,
  int: 2,
  string: 3,
  tensor: 4,
  graph: 5,
  floats: 6,
  ints: 7,
  strings: 8,
  tensors: 9,
  graphs: 10,
} as const;
