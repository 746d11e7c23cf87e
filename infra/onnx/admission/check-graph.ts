import type { OnnxAttribute, OnnxGraph, OnnxNode } from '../types.ts';
import { checkSparseTensor, checkTensor } from './check-tensor.ts';
import { fileLimits, refusedOperators } from './file-limits.ts';
import { refuse } from './refuse.ts';

/** Counts over the whole file, nested graphs included. */
export type Walk = { nodes: number; readonly domains: ReadonlySet<string> };

/** ONNX's own operators have the domain "" or "ai.onnx"; both are one. */
export const domainName = (domain: string | undefined): string => (domain === undefined || domain === '' ? 'ai.onnx' : domain);

/** Walks nodes, attributes and tensors of a graph and of the graphs inside it. Throws PRN_MODEL_REFUSED. */
export const checkGraph = (graph: OnnxGraph, walk: Walk, depth: number): void => {
  if (depth > fileLimits.nesting) refuse(`Cannot admit model as its graphs must be nested at most ${fileLimits.nesting} deep`);
  for (const tensor of graph.initializer) checkTensor(tensor, `initializer "${tensor.name ?? ''}"`);
  for (const tensor of graph.sparseInitializer) checkSparseTensor(tensor, 'a sparse initializer');
  for (const node of graph.node) checkNode(node, walk, depth);
};

const checkNode = (node: OnnxNode, walk: Walk, depth: number): void => {
  walk.nodes++;
  if (walk.nodes > fileLimits.nodes) refuse(`Cannot admit model as it must have at most ${fileLimits.nodes} nodes: it has more`);
  const domain = domainName(node.domain);
  if (!walk.domains.has(domain)) {
    refuse(`Cannot admit model as operator "${node.opType}" must be of a declared operator set: "${domain}" is not declared`);
  }
  if (refusedOperators.has(node.opType ?? '')) {
    refuse(`Cannot admit model as it must not branch or loop: it has the operator "${node.opType}"`);
  }
  for (const attribute of node.attribute) checkAttribute(attribute, node, walk, depth);
};

const checkAttribute = (attribute: OnnxAttribute, node: OnnxNode, walk: Walk, depth: number): void => {
  const where = `attribute "${attribute.name ?? ''}" of "${node.opType ?? ''}"`;
  // Imputer names the value that it replaces, which is NaN by right.
  if (node.opType !== 'Imputer' && attribute.floats.some(Number.isNaN)) {
    refuse(`Cannot admit model as ${where} must hold numbers only: it holds NaN`);
  }
  for (const tensor of [attribute.t, ...attribute.tensors]) if (tensor) checkTensor(tensor, where);
  for (const tensor of [attribute.sparseTensor, ...attribute.sparseTensors]) if (tensor) checkSparseTensor(tensor, where);
  for (const graph of [attribute.g, ...attribute.graphs]) if (graph) checkGraph(graph, walk, depth + 1);
};
