/** Reads and writes ONNX files by our own description of the format's messages; no schema file, no generated code. */
import protobuf from 'protobufjs';
import { PerennialError } from '#domain/errors.ts';
import { onnxMessages } from './messages.ts';
import type { OnnxModel } from './types.ts';

const jsonField = ([id, type]: readonly [number, string]): object =>
  type.endsWith('*') ? { id, type: type.slice(0, -1), rule: 'repeated', options: { packed: true } } : { id, type };

const buildRoot = (): protobuf.Root => {
  const nested = Object.entries(onnxMessages).map(([name, fields]) => [
    name,
    { fields: Object.fromEntries(Object.entries(fields).map(([field, spec]) => [field, jsonField(spec)])) },
  ]);
  return protobuf.Root.fromJSON({ nested: { onnx: { nested: Object.fromEntries(nested) } } });
};

const modelType = buildRoot().lookupType('onnx.ModelProto');

/**
 * Decodes a whole model. Integers come as numbers: beyond 2^53 they are rounded, so never encode again what was decoded
 * from a foreign file. Throws PRN_MODEL_REFUSED for bytes that are no ONNX model.
 */
export const decodeModel = (bytes: Uint8Array): OnnxModel => {
  let model: OnnxModel;
  try {
    model = modelType.toObject(modelType.decode(bytes), { longs: Number, arrays: true }) as OnnxModel;
  } catch (cause) {
    throw new PerennialError(
      'PRN_MODEL_REFUSED',
      `Cannot read the ONNX file as its ${bytes.length} bytes must be a model: ${(cause as Error).message}`,
      { cause },
    );
  }
  if (!model.graph || model.irVersion === undefined) {
    throw new PerennialError(
      'PRN_MODEL_REFUSED',
      `Cannot read the ONNX file as it must hold a graph and an IR version: its ${bytes.length} bytes hold ${
        model.graph ? 'no IR version' : 'no graph'
      }`,
    );
  }
  return model;
};

/** Encodes a model, such as one made with the builders. The same model gives the same bytes. */
export const encodeModel = (model: OnnxModel): Uint8Array => modelType.encode(modelType.fromObject(model)).finish();
