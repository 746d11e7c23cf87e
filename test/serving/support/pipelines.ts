/** Pipelines in a database and a store, with the means to promote models in them; servers that follow them end with it. */

import type { Config } from '../../../infra/config.ts';
import { digestOfJson } from '../../../infra/objects/digest.ts';
import type { ContentStore, ObjectStore } from '../../../infra/objects/store.ts';
import { createDefinitions } from '../../../infra/postgres/definitions.ts';
import { createDeployments } from '../../../infra/postgres/deployments.ts';
import { createOnlineFeatures } from '../../../infra/postgres/online-features.ts';
import { openDatabase } from '../../../infra/postgres/pool.ts';
import { createRegistry } from '../../../infra/postgres/registry.ts';
import { createRollouts } from '../../../infra/postgres/rollouts.ts';
import { silentLogger } from '../../../infra/telemetry/logger.ts';
import { createMetrics } from '../../../infra/telemetry/metrics.ts';
import { loadServedModel } from '../../../serving/model/served-model.ts';
import { type PredictServerOptions, startPredictServer } from '../../../serving/predict/server.ts';
import type { DeployedRollout, ModelPackage } from '../../../workflows/domain/contracts/model-version.ts';
import type { ReferenceProfile } from '../../../workflows/domain/contracts/reference-profile.ts';
import type { PipelineName, Sha256, VersionNumber } from '../../../workflows/domain/units.ts';
import { storeTinyModel, type TinyModel } from './models.ts';

export type WorldParts = {
  readonly databaseUrl: string;
  readonly store: { readonly store: ObjectStore; readonly content: ContentStore; readonly config: Config['store'] };
};

const said = { actor: 'test', reason: 'test' };

export const openWorld = ({ databaseUrl, store }: WorldParts) => {
  const { db, close } = openDatabase(databaseUrl, { connections: 4 });
  const definitions = createDefinitions(db);
  const deployments = createDeployments(db);
  const registry = createRegistry(db);
  const rollouts = createRollouts(db);
  const closers: (() => Promise<void>)[] = [];

  const applyPipeline = async (pipeline: PipelineName, sections: { readonly [name: string]: unknown } = {}): Promise<Sha256> => {
    const file = { name: pipeline, ...sections };
    const sha256 = digestOfJson(file);
    await definitions.apply(pipeline, null, file, sha256, 'test', 'test');
    return sha256;
  };

  /** Registers a package as a new version, as the register step does. */
  const register = async (name: string, modelSha256: Sha256, profileSha256: Sha256 | null = null): Promise<VersionNumber> => {
    const pipeline = name as PipelineName;
    const definitionSha256 = await applyPipeline(pipeline);
    const { onnx, featureSetSha256 } = (await store.content.getJson(modelSha256)) as ModelPackage;
    const version = await registry.register(
      {
        pipeline,
        modelSha256,
        onnxSha256: onnx.sha256,
        featureSetSha256,
        trainingKey: digestOfJson({ modelSha256, profileSha256 }),
        definitionSha256,
        codeVersion: 'test',
        snapshotSha256: null,
        profileSha256,
        trainer: 'reference',
        parameters: {},
        metrics: { roc_auc: 0.75 },
        runKey: null,
      },
      'test',
    );
    return version.version;
  };

  const promote = async (name: string, version: number | null): Promise<number> => {
    const pipeline = name as PipelineName;
    const { generation } = await deployments.get(pipeline);
    const promoted = await deployments.promote({
      pipeline,
      kind: version === null ? 'rollback' : 'promote',
      version: version as VersionNumber | null,
      expectedGeneration: generation,
      operationKey: `${pipeline}/${generation}`,
      actor: 'test',
      reason: 'test',
    });
    return promoted.generation;
  };

  /** Stores and registers, with a reference profile where one is given. */
  const add = async (tiny: TinyModel, profile?: ReferenceProfile) => {
    const modelSha256 = await storeTinyModel(store.content, tiny);
    const profileSha256 = profile === undefined ? null : await store.content.putJson(profile);
    return { modelSha256, profileSha256, version: await register(tiny.pipeline, modelSha256, profileSha256) };
  };

  /** Stores, registers and promotes in one go. */
  const deploy = async (tiny: TinyModel, profile?: ReferenceProfile) => {
    const added = await add(tiny, profile);
    return { ...added, generation: await promote(tiny.pipeline, added.version) };
  };

  /** A rollout of a version, with the changes that its workflow would make. */
  const rollOut = async (name: string, version: VersionNumber, deployed: Partial<DeployedRollout> = {}) => {
    const pipeline = name as PipelineName;
    const id = `roll-out/${name}/${version}`;
    const { champion } = await deployments.get(pipeline);
    const { generation } = await rollouts.begin({
      id,
      pipeline,
      version,
      championVersion: champion?.version as VersionNumber,
      workflowId: id,
      policy: {},
      deployed: { strategy: 'canary', share: 0.1, salt: id, by: [], latencyMs: null, ...deployed },
      ...said,
    });
    const expectedGeneration = async () => (await deployments.get(pipeline)).generation;
    return {
      id,
      generation,
      shift: async (share: number) =>
        (await rollouts.shift({ id, pipeline, share, expectedGeneration: await expectedGeneration(), ...said })).generation,
      end: async (end: 'promoted' | 'rolled back') =>
        (await rollouts.end({ id, pipeline, end, expectedGeneration: await expectedGeneration(), ...said })).generation,
    };
  };

  /** A server in this process, on a port of its own; `url` may lead to the database through something that can break. */
  const serve = async (options: { url?: string; overrides?: Partial<PredictServerOptions> } = {}) => {
    const own = openDatabase(options.url ?? databaseUrl, { connections: 4 });
    const metrics = createMetrics();
    const server = await startPredictServer({
      host: '127.0.0.1',
      port: 0,
      deployments: createDeployments(own.db),
      onlineFeatures: createOnlineFeatures(own.db),
      load: (pipeline, model) => loadServedModel(store.content, pipeline, model),
      log: silentLogger(),
      metrics,
      ...options.overrides,
    });
    let closing: Promise<void> | null = null;
    const end = (): Promise<void> => {
      closing ??= server.close().then(() => own.close());
      return closing;
    };
    closers.push(end);
    return { url: server.url, metrics, close: end };
  };

  return {
    databaseUrl,
    db,
    store,
    deployments,
    registry,
    definitions,
    onlineFeatures: createOnlineFeatures(db),
    applyPipeline,
    register,
    add,
    promote,
    deploy,
    rollOut,
    serve,
    onClose: (closer: () => Promise<void>) => closers.push(closer),
    close: async () => {
      for (const closer of closers) await closer();
      await close();
    },
  };
};
export type World = ReturnType<typeof openWorld>;
