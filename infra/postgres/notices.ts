import type { Kysely } from 'kysely';
import type { Notice } from '#domain/contracts/notice.ts';
import { toJson, toText } from './map.ts';
import type { Tables } from './tables.ts';

/** How a notice goes to one address; `secret` names a variable of the environment, never the secret itself. */
export type NoticeDelivery = { readonly to: string; readonly as: 'webhook' | 'slack'; readonly secret: string | null };

const put = async (db: Kysely<Tables>, notice: Notice, deliveries: readonly NoticeDelivery[]): Promise<void> => {
  if (deliveries.length === 0) return;
  const { key, pipeline, event } = notice;
  const text = toJson({ ...notice, text: toText(notice.text) });
  await db
    .insertInto('notices')
    .values(deliveries.map((one) => ({ key, target: one.to, pipeline, event, notice: text, delivery: toJson(one) })))
    .onConflict((conflict) => conflict.columns(['key', 'target']).doNothing())
    .execute();
};

/** The outbox: what people should be told, kept until it is delivered. */
export const createNotices = (db: Kysely<Tables>) => ({
  /** One row for each address; the same notice again changes nothing. */
  put: (notice: Notice, deliveries: readonly NoticeDelivery[]): Promise<void> => put(db, notice, deliveries),
});
