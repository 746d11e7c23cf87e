import { patiently } from '../patience.ts';
import { flights, type LiveScene } from '../scene.ts';
import { nextDay } from '../world.ts';

/** What Alertmanager posts to a webhook_config, version 4 of its form. */
const notification = (startsAt: string) => {
  const labels = { alertname: 'FlightsScoreShift', severity: 'page', pipeline: flights };
  const annotations = { summary: 'The mean score of flights left its band' };
  return {
    version: '4',
    groupKey: `{}:{alertname="${labels.alertname}"}`,
    truncatedAlerts: 0,
    status: 'firing',
    receiver: 'perennial',
    groupLabels: { alertname: labels.alertname },
    commonLabels: labels,
    commonAnnotations: annotations,
    externalURL: 'http://alertmanager:9093',
    alerts: [
      {
        status: 'firing',
        labels,
        annotations,
        startsAt,
        endsAt: '0001-01-01T00:00:00Z',
        generatorURL: 'http://prometheus:9090/graph',
        fingerprint: 'f17ac2d94b6e0385',
      },
    ],
  };
};

export type AlertEnd = { readonly repeated: readonly boolean[]; readonly action: string; readonly reason: string };

/** Gives what was answered, and what the watch made of it. */
export const sameAlertTwice = async (scene: LiveScene): Promise<AlertEnd> => {
  const { story, calendar, records, control, webhookToken } = scene;
  story.chapter('An alert, and the same alert again');
  story.aside('Alertmanager repeats what fires. However often it comes, it is one event, and one question to the watch.');
  const path = `/webhooks/alertmanager/${flights}`;
  const body = notification(`${calendar.today()}T06:00:00Z`);
  const [last] = await patiently(() => records.decisions.list(flights, { limit: 1 }));
  const repeated: boolean[] = [];
  for (let time = 0; time < 2; time += 1) {
    const answer = await control.post(path, body, { authorization: `Bearer ${webhookToken}` });
    story.say(`POST ${path} -> ${answer.status} ${JSON.stringify(answer.body)}`);
    repeated.push((answer.body as { repeated: boolean }).repeated);
  }
  const found = await calendar.until(
    async () => {
      const since = await patiently(() => records.decisions.list(flights, { kinds: ['retrain'], afterId: last?.id ?? 0 }));
      return since.find(({ record }) => /asked/.test(record.reason)) ?? null;
    },
    nextDay(calendar.today(), 4),
  );
  const { action = 'nothing', reason = 'no decision was recorded' } = found?.record ?? {};
  return { repeated, action, reason };
};
