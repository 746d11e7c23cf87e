/** The JSON Schema of a pipeline file, for editors, for suggestions in errors, and for the reference page. */
import { z } from 'zod';
import { pipelineSpecSchema } from '#domain/contracts/pipeline-spec/pipeline-spec.ts';

export type JsonSchema = {
  readonly type?: string | readonly string[];
  readonly description?: string;
  readonly default?: unknown;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly pattern?: string;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: JsonSchema | boolean;
  /** Of a map: which keys there may be. */
  readonly propertyNames?: JsonSchema;
  readonly items?: JsonSchema;
  readonly prefixItems?: readonly JsonSchema[];
  readonly anyOf?: readonly JsonSchema[];
};

export const pipelineJsonSchema = (): JsonSchema => ({
  ...(z.toJSONSchema(pipelineSpecSchema, { io: 'input', unrepresentable: 'any' }) as JsonSchema),
});
