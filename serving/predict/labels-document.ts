import { z } from 'zod';
import { labelReceiptSchema, labelSchema } from '#domain/contracts/capture.ts';
import { maxLabels } from './routes/labels.ts';

type JsonSchema = { readonly [key: string]: unknown };

const json = (schema: JsonSchema): JsonSchema => ({ content: { 'application/json': { schema } } });
const ref = (name: string): JsonSchema => ({ $ref: `#/components/schemas/${name}` });

const described = (schema: z.ZodType): JsonSchema => {
  const { $schema: _dialect, ...rest } = z.toJSONSchema(schema, { io: 'input' }) as JsonSchema;
  return rest;
};

/** Schemas of labels, for the components of the document. They are of every pipeline alike. */
export const labelSchemas: JsonSchema = { Label: described(labelSchema), LabelReceipt: described(labelReceiptSchema) };

/** The path that takes a pipeline's labels. */
export const labelsPath = (pipeline: string): JsonSchema => ({
  post: {
    summary: `Tell what became true of predictions of ${pipeline}`,
    description: 'All labels of a request are kept, or none; the same label again changes nothing.',
    requestBody: {
      required: true,
      ...json({
        oneOf: [
          ref('Label'),
          {
            type: 'object',
            properties: { labels: { type: 'array', items: ref('Label'), minItems: 1, maxItems: maxLabels } },
            required: ['labels'],
            additionalProperties: false,
          },
        ],
      }),
    },
    responses: {
      200: { description: 'How many were new, corrected, or there already', ...json(ref('LabelReceipt')) },
      400: { description: 'A label does not have its form; `problems` names each', ...json(ref('Error')) },
      404: { description: 'No pipeline of this name is applied', ...json(ref('Error')) },
    },
  },
});
