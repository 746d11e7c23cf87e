/** What senders of webhooks send, as they do: Alertmanager and Grafana with a token, others signed. */
import { secretBytes, signMessage } from '../../../infra/webhooks/signature.ts';

export const token = 'a-token-of-tests-0123456789';
export const secret = `whsec_${Buffer.alloc(24, 7).toString('base64')}`;
export const key = secretBytes(secret) as Buffer;

type Alert = { readonly name: string; readonly startsAt: string; readonly status?: 'firing' | 'resolved' };

const alertOf = ({ name, startsAt, status = 'firing' }: Alert) => ({
  status,
  labels: { alertname: name, severity: 'warning' },
  annotations: { summary: `${name} happened` },
  startsAt,
  endsAt: status === 'firing' ? '0001-01-01T00:00:00Z' : '2026-02-01T11:00:00Z',
  generatorURL: 'http://prometheus:9090/graph',
  fingerprint: Buffer.from(name).toString('hex').slice(0, 16),
});

/** One notification of Alertmanager; `value` is what changes from one to the next of the same group. */
export const alertmanagerBody = (alerts: readonly Alert[], options: { status?: 'firing' | 'resolved'; value?: string } = {}) => ({
  version: '4',
  groupKey: '{}:{alertname="drift"}',
  truncatedAlerts: 0,
  status: options.status ?? 'firing',
  receiver: 'perennial',
  groupLabels: { alertname: 'drift' },
  commonLabels: { severity: 'warning' },
  commonAnnotations: options.value === undefined ? {} : { summary: `value is ${options.value}` },
  externalURL: 'http://alertmanager:9093',
  alerts: alerts.map(alertOf),
});

export const grafanaBody = (alerts: readonly Alert[], status: 'firing' | 'resolved' = 'firing') => ({
  receiver: 'perennial',
  status,
  orgId: 1,
  alerts: alerts.map((alert) => ({ ...alertOf(alert), values: { B: 0.4 }, valueString: '[ var=B value=0.4 ]', silenceURL: '' })),
  groupLabels: {},
  commonLabels: {},
  commonAnnotations: {},
  externalURL: 'http://grafana:3000/',
  version: '1',
  groupKey: '{}/{}:{alertname="drift"}',
  truncatedAlerts: 0,
  title: '[FIRING:1] drift',
  state: status === 'firing' ? 'alerting' : 'ok',
  message: 'drift',
});

export const bearer = (given = token): Record<string, string> => ({ authorization: `Bearer ${given}` });

export const signed = (
  id: string,
  body: string | Buffer,
  options: { key?: Buffer; seconds?: number } = {},
): Record<string, string> => {
  const { key: by = key, seconds = Math.floor(Date.now() / 1000) } = options;
  return {
    'webhook-id': id,
    'webhook-timestamp': String(seconds),
    'webhook-signature': signMessage(by, id, seconds, Buffer.from(body)),
  };
};
