/** What Alertmanager's and Grafana's notifications have in common: a group of alerts, sent again until it is resolved. */
import { z } from 'zod';
import type { PipelineName } from '#domain/units.ts';
import { digestOfJson } from '../objects/digest.ts';
import { cutText, type ReadDelivery } from './delivery.ts';

const texts = z.record(z.string(), z.string());
const status = z.enum(['firing', 'resolved']);

export const alertSchema = z.object({
  status,
  labels: texts,
  annotations: texts.default({}),
  startsAt: z.iso.datetime({ offset: true }),
  fingerprint: z.string().optional(),
});
export type Alert = z.infer<typeof alertSchema>;

export const alertGroupSchema = z.object({
  status,
  groupKey: z.string().min(1),
  alerts: z.array(alertSchema).min(1).max(1_000),
  commonLabels: texts.default({}),
  commonAnnotations: texts.default({}),
});
export type AlertGroup = z.infer<typeof alertGroupSchema>;

/**
 * One for a group's state: which alerts began when, firing or resolved. A notification that is sent again each
 * repeat_interval has the same, whatever its texts and values say now; an alert that comes back began anew.
 */
const groupId = (pipeline: PipelineName, { groupKey, status: state, alerts }: AlertGroup): string => {
  const began = alerts.map(({ labels, fingerprint, startsAt }) => [fingerprint ?? labels, startsAt]);
  const sorted = began.map((one) => digestOfJson(one)).toSorted();
  return digestOfJson({ pipeline, groupKey, state, alerts: sorted });
};

const nameOf = ({ labels }: Alert): string => labels['alertname'] ?? 'alert';
const saidOf = (said: Readonly<Record<string, string>>): string => said['summary'] ?? said['description'] ?? '';

const textOf = (group: AlertGroup): string => {
  const names = [...new Set(group.alerts.map(nameOf))].join(', ');
  const said = saidOf(group.commonAnnotations) || saidOf(group.alerts[0]?.annotations ?? {});
  const count = group.alerts.length === 1 ? '' : ` (${group.alerts.length} alerts)`;
  return cutText(`${names} ${group.status}${count}${said === '' ? '' : `: ${said}`}`);
};

/** `isEvidence` tells an alert about the world from one about the sender itself. Resolved alerts ask for nothing. */
export const readAlertGroup = (
  pipeline: PipelineName,
  group: AlertGroup,
  isEvidence: (alert: Alert) => boolean,
): ReadDelivery => {
  const asksForRetrain = group.status === 'firing' && group.alerts.some((one) => one.status === 'firing' && isEvidence(one));
  return { deliveryId: groupId(pipeline, group), arrival: { kind: 'alert', text: textOf(group), asksForRetrain } };
};
