import { z } from 'zod';
import type { PipelineName } from '#domain/units.ts';
import { alertGroupSchema, readAlertGroup } from './alerts.ts';
import { parseBody, type ReadDelivery } from './delivery.ts';

/** Version 4 of what Alertmanager sends to a webhook_config; fields that are not read may be anything. */
const bodySchema = alertGroupSchema.extend({ version: z.literal('4') });

/** Prometheus's own heartbeat fires always, to show that the way is open; that it does asks for nothing. */
const heartbeats = new Set(['Watchdog', 'InfoInhibitor', 'DeadMansSwitch']);

/** Throws PRN_INPUT_INVALID naming the field. */
export const readAlertmanager = (pipeline: PipelineName, bytes: Uint8Array): ReadDelivery =>
  readAlertGroup(
    pipeline,
    parseBody(bodySchema, bytes, "Alertmanager's webhook, version 4"),
    ({ labels }) => !heartbeats.has(labels['alertname'] ?? ''),
  );
