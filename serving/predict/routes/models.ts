import type { FastifyInstance } from 'fastify';
import { PerennialError } from '#domain/errors.ts';
import type { ModelLoader } from '../../model/loader.ts';
import type { Serving } from '../../model/serving.ts';
import { servingOf } from './predict.ts';

/** Element types of onnxruntime under the Open Inference Protocol's names. */
const datatypes: Readonly<Record<string, string | undefined>> = {
  float32: 'FP32',
  float64: 'FP64',
  float16: 'FP16',
  int64: 'INT64',
  int32: 'INT32',
  int16: 'INT16',
  int8: 'INT8',
  uint64: 'UINT64',
  uint32: 'UINT32',
  uint16: 'UINT16',
  uint8: 'UINT8',
  bool: 'BOOL',
  string: 'BYTES',
};

type Tensor = Serving['model']['package']['onnx']['output'];
const describeTensor = ({ name, type, shape }: Tensor) => ({
  name,
  datatype: datatypes[type] ?? type.toUpperCase(),
  // Dimensions that are left open are -1 in the protocol.
  shape: shape.map((size) => (typeof size === 'number' ? size : -1)),
});

/** Metadata of the server and its models in the form of the Open Inference Protocol v2. */
export const modelRoutes = async (app: FastifyInstance, { loader }: { loader: ModelLoader }): Promise<void> => {
  app.get('/v2', async () => ({ name: 'perennial', version: '2', extensions: [] }));
  app.get<{ Params: { model: string } }>('/v2/models/:model', async ({ params }) => {
    const serving = servingOf(loader, params.model);
    const { onnx, task, classes } = serving.model.package;
    return {
      name: serving.pipeline,
      versions: [String(serving.version)],
      platform: 'onnx_onnxv1',
      inputs: onnx.inputs.map(describeTensor),
      outputs: [describeTensor(onnx.output)],
      parameters: { task, classes, model_sha256: serving.model.modelSha256, generation: serving.generation },
    };
  });
  app.get<{ Params: { model: string } }>('/v2/models/:model/ready', async ({ params }, reply) => {
    const serving = loader.current(params.model);
    if (serving === null && !loader.isKnown(params.model)) {
      throw new PerennialError(
        'PRN_SERVING_NO_MODEL',
        `Cannot find model "${params.model.slice(0, 80)}" as nothing is deployed under this name`,
      );
    }
    return reply.code(serving === null ? 503 : 200).send({ name: params.model, ready: serving !== null });
  });
};
