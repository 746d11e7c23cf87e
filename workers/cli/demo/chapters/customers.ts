import { join } from 'node:path';
import type { RetrainOutcome } from '#domain/contracts/retrain.ts';
import { settlePipeline } from '../../pipelines/settle-pipeline.ts';
import { applyPipeline } from '../../spec/apply-pipeline.ts';
import { actOut } from '../act.ts';
import { patiently } from '../patience.ts';
import { churn, type Scene, wish } from '../scene.ts';
import { waitUntilServed } from '../wait-until-served.ts';
import { copyPipeline } from '../world.ts';

export type Churned = { readonly run: RetrainOutcome; readonly request: unknown; readonly answer: unknown };

const leavingCustomer = {
  tenure: 5,
  monthly_charges: 89.5,
  total_charges: 447.5,
  contract: 'month-to-month',
  payment_method: 'electronic check',
};

/** A second pipeline, with a request of another form. */
export const customers = async (scene: Scene): Promise<Churned> => {
  const { context, client, story, folder, caller } = scene;
  story.chapter('Another pipeline: customers who leave');
  await copyPipeline(churn, join(folder, churn));
  await patiently(() => applyPipeline(context, join(folder, churn)));
  await patiently(() => settlePipeline(context, client, churn));
  const run = await actOut(scene, wish(scene, churn, 'eight hundred customers'));
  if (run.verdict === 'promoted') await waitUntilServed(context, churn);
  const { body: answer } = await caller.post(`/predict/${churn}`, leavingCustomer);
  story.say(JSON.stringify(leavingCustomer));
  story.aside(`-> ${JSON.stringify(answer)}`);
  return { run, request: leavingCustomer, answer };
};
