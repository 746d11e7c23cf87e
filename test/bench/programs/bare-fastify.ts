/** The framework alone, with the answer of a prediction and no model: what the product's path is measured against. */
import { fastify } from 'fastify';

const app = fastify();
app.post('/predict/churn', async (_request, reply) =>
  reply
    .headers({ 'perennial-model-digest': '0'.repeat(64), 'perennial-prediction-id': '00000000-0000-7000-8000-000000000000' })
    .send({ prediction: false, probability: 0.25, prediction_id: '00000000-0000-7000-8000-000000000000', model_version: 1 }),
);
await app.listen({ host: '127.0.0.1', port: 0 });
process.on('SIGTERM', () => process.exit(0));
process.send?.({ url: app.listeningOrigin });
