/** A notice as its receiver reads it. */
import type { Notice } from '#domain/contracts/notice.ts';
import { sha256Of } from '../objects/digest.ts';

/** The same for every attempt and every address: by it a receiver knows what it has already. */
export const noticeId = (key: string): string => `ntc_${sha256Of(key).slice(0, 32)}`;

export type WrittenNotice = { readonly id: string; readonly body: string };
type Said = { readonly notice: Notice; readonly at: string; readonly controlUrl: string };

const linkOf = ({ notice, controlUrl }: Said): string | null =>
  notice.link === null ? null : new URL(notice.link, controlUrl).href;

/** Chats read these three as their own mark-up. */
const plain = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

/** {id, event, pipeline, text, link, at}. */
export const asWebhook = (said: Said): WrittenNotice => {
  const { key, event, pipeline, text } = said.notice;
  const id = noticeId(key);
  return { id, body: JSON.stringify({ id, event, pipeline, text, link: linkOf(said), at: said.at }) };
};

/** {text}, as incoming webhooks of Slack and of those that understand its form take it. */
export const asSlack = (said: Said): WrittenNotice => {
  const { key, event, pipeline, text } = said.notice;
  const link = linkOf(said);
  const lines = [`*${pipeline}*: ${event}`, plain(text), ...(link === null ? [] : [`<${link}>`])];
  return { id: noticeId(key), body: JSON.stringify({ text: lines.join('\n') }) };
};
