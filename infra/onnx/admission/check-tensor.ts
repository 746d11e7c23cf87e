import { elementTypes, type OnnxSparseTensor, type OnnxTensor } from '../types.ts';
import { elementBytes, fileLimits } from './file-limits.ts';
import { refuse } from './refuse.ts';

/**
 * Checks that a tensor lies in the file, has the size that it states, and holds no NaN.
 * `where` names it in the message. Throws PRN_MODEL_REFUSED.
 */
export const checkTensor = (tensor: OnnxTensor, where: string): void => {
  if (tensor.dataLocation === 1 || tensor.externalData.length > 0) {
    refuse(`Cannot admit model as ${where} must be in the file: it is external data; export with external_data=False`);
  }
  const count = elementCount(tensor, where);
  if (tensor.dataType === elementTypes.string) return checkStrings(tensor, where);
  const bytes = elementBytes[tensor.dataType ?? 0];
  if (bytes === undefined) return refuse(`Cannot admit model as ${where} has an unknown element type: ${tensor.dataType ?? 0}`);
  checkLength(tensor, where, count, bytes);
  if (hasNaN(tensor)) refuse(`Cannot admit model as ${where} must hold numbers only: it holds NaN`);
};

export const checkSparseTensor = (tensor: OnnxSparseTensor, where: string): void => {
  if (tensor.values !== undefined) checkTensor(tensor.values, `values of ${where}`);
  if (tensor.indices !== undefined) checkTensor(tensor.indices, `indices of ${where}`);
};

const elementCount = (tensor: OnnxTensor, where: string): number => {
  const count = tensor.dims.reduce((product, dimension) => product * dimension, 1);
  if (tensor.dims.some((dimension) => dimension < 0) || count > fileLimits.bytes) {
    refuse(`Cannot admit model as ${where} must have a size that fits the file: it states [${tensor.dims.join(', ')}]`);
  }
  return count;
};

const checkLength = (tensor: OnnxTensor, where: string, count: number, bytes: number): void => {
  const raw = tensor.rawData?.length ?? 0;
  if (raw > 0) {
    if (raw !== count * bytes) refuse(`Cannot admit model as ${where} must hold ${count * bytes} bytes: it holds ${raw}`);
    return;
  }
  const typed = typedLength(tensor);
  if (typed !== count) refuse(`Cannot admit model as ${where} must hold ${count} numbers: it holds ${typed}`);
};

const typedLength = (tensor: OnnxTensor): number => {
  // A complex number is two floats or doubles.
  const halves = tensor.dataType === 14 || tensor.dataType === 15 ? 2 : 1;
  const lists = [tensor.floatData, tensor.int32Data, tensor.int64Data, tensor.doubleData, tensor.uint64Data];
  return lists.reduce((sum, list) => sum + list.length, 0) / halves;
};

const checkStrings = (tensor: OnnxTensor, where: string): void => {
  const bytes = tensor.stringData.reduce((sum, text) => sum + text.length, 0);
  if (bytes > fileLimits.stringTensorBytes) {
    refuse(`Cannot admit model as ${where} must hold at most ${fileLimits.stringTensorBytes} bytes of text: it holds ${bytes}`);
  }
};

const hasNaN = (tensor: OnnxTensor): boolean => {
  if (tensor.floatData.some(Number.isNaN) || tensor.doubleData.some(Number.isNaN)) return true;
  const raw = tensor.rawData;
  if (raw === undefined || (tensor.dataType !== elementTypes.float32 && tensor.dataType !== elementTypes.float64)) return false;
  return rawHasNaN(raw, tensor.dataType === elementTypes.float32);
};

const rawHasNaN = (raw: Uint8Array, single: boolean): boolean => {
  const view = new DataView(raw.buffer, raw.byteOffset, raw.byteLength);
  for (let at = 0; at < raw.length; at += single ? 4 : 8) {
    if (Number.isNaN(single ? view.getFloat32(at, true) : view.getFloat64(at, true))) return true;
  }
  return false;
};
