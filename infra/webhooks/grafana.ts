import type { PipelineName } from '#domain/units.ts';
import { type Alert, alertGroupSchema, readAlertGroup } from './alerts.ts';
import { parseBody, type ReadDelivery } from './delivery.ts';

/** Grafana's own words for "my data source is silent" or "I was asked to try this address": no evidence about a model. */
const ofItself = new Set(['DatasourceNoData', 'DatasourceError', 'TestAlert']);
const isEvidence = ({ labels }: Alert): boolean => !ofItself.has(labels['alertname'] ?? '');

/** What a webhook contact point of Grafana Alerting (9 and newer) sends. Throws PRN_INPUT_INVALID naming the field. */
export const readGrafana = (pipeline: PipelineName, bytes: Uint8Array): ReadDelivery =>
  readAlertGroup(pipeline, parseBody(alertGroupSchema, bytes, "Grafana Alerting's webhook"), isEvidence);
