/** A bounded look into an ONNX file before the runtime sees a byte of it. */
import { decodeModel } from '../proto.ts';
import { elementTypes, type OnnxGraph, type OnnxModel } from '../types.ts';
import { checkGraph, domainName, type Walk } from './check-graph.ts';
import { fileLimits } from './file-limits.ts';
import { refuse } from './refuse.ts';

export type FileFacts = {
  readonly irVersion: number;
  readonly opsets: Readonly<Record<string, number>>;
  readonly nodes: number;
  readonly producer: string;
};

/** Throws PRN_MODEL_REFUSED with what is wrong and how to export it right; never opens another file. */
export const checkFile = (bytes: Uint8Array): FileFacts => {
  checkSize(bytes);
  checkMagic(bytes);
  const model = decodeModel(bytes);
  checkVersions(model);
  if (model.trainingInfo.length > 0) refuse('Cannot admit model as it must be for inference only: it carries training graphs');
  if (model.functions.length > 0)
    refuse('Cannot admit model as its functions must be inlined: export it without local functions');
  checkInputs(model.graph);
  const walk: Walk = { nodes: 0, domains: new Set(model.opsetImport.map((opset) => domainName(opset.domain))) };
  checkGraph(model.graph, walk, 0);
  return {
    irVersion: model.irVersion as number,
    opsets: Object.fromEntries(model.opsetImport.map((opset) => [domainName(opset.domain), opset.version ?? 0])),
    nodes: walk.nodes,
    producer: model.producerName ?? '',
  };
};

export const checkSize = (bytes: Uint8Array): void => {
  if (bytes.length > fileLimits.bytes) {
    refuse(`Cannot admit model as it must have at most ${fileLimits.bytes} bytes: it has ${bytes.length}`);
  }
};

/** Formats that can carry code are named, so that nobody tries to rename them into acceptance. */
const checkMagic = (bytes: Uint8Array): void => {
  const [first, second] = bytes;
  if (first === 0x50 && second === 0x4b)
    refuse('Cannot admit model as it must be ONNX: it is a zip archive, such as .pt or .mar');
  if (first === 0x80 && second !== undefined && second >= 2 && second <= 5) {
    refuse('Cannot admit model as it must be ONNX: it is a Python pickle, which can carry code');
  }
};

const checkVersions = (model: OnnxModel): void => {
  const { from, to } = fileLimits.irVersions;
  const irVersion = model.irVersion ?? 0;
  if (irVersion < from || irVersion > to) {
    refuse(`Cannot admit model as its IR version must be ${from} to ${to}: it is ${irVersion}; export with ir_version=${to}`);
  }
  if (model.opsetImport.length === 0) refuse('Cannot admit model as it must declare an operator set: it declares none');
  for (const opset of model.opsetImport) checkOpset(domainName(opset.domain), opset.version ?? 0);
};

const checkOpset = (domain: string, version: number): void => {
  const range = fileLimits.opsets[domain];
  if (range === undefined) {
    const known = Object.keys(fileLimits.opsets).join(', ');
    return refuse(`Cannot admit model as its operators must be of ${known}: it declares "${domain}"`);
  }
  if (version < range.from || version > range.to) {
    refuse(
      `Cannot admit model as operator set "${domain}" must be ${range.from} to ${range.to}: it is ${version}; export with target_opset=${range.to}`,
    );
  }
};

const checkInputs = (graph: OnnxGraph): void => {
  const constants = new Set(graph.initializer.map((tensor) => tensor.name));
  for (const input of graph.input) {
    if (constants.has(input.name)) continue;
    const type = input.type?.tensorType?.elemType;
    if (type === undefined) refuse(`Cannot admit model as its input "${input.name}" must be a tensor`);
    if (type === elementTypes.float16) {
      refuse(`Cannot admit model as its input "${input.name}" must be float32: it is float16; cast inside the model`);
    }
  }
};
