/** One attempt to bring a notice to its receiver. */
import { signMessage } from '../webhooks/signature.ts';
import type { WrittenNotice } from './write-notice.ts';

/** A receiver that needs longer should write it down and think later, as ours do. */
const timeoutMs = 5_000;

export type Post = {
  readonly to: string;
  readonly written: WrittenNotice;
  /** Signs as Standard Webhooks where there is one. */
  readonly key: Uint8Array | null;
  readonly nowMs: number;
};

const headersOf = ({ written: { id, body }, key, nowMs }: Post): Record<string, string> => {
  const seconds = Math.floor(nowMs / 1000);
  const signature = key === null ? {} : { 'webhook-signature': signMessage(key, id, seconds, Buffer.from(body)) };
  return { 'content-type': 'application/json', 'webhook-id': id, 'webhook-timestamp': String(seconds), ...signature };
};

const failureText = (error: unknown): string => {
  if (error instanceof DOMException && error.name === 'TimeoutError') return `did not answer within ${timeoutMs / 1000} s`;
  const code = ((error as { cause?: unknown }).cause as { code?: unknown } | undefined)?.code;
  return `cannot be reached${typeof code === 'string' ? `: ${code}` : ''}`;
};

/** What the receiver said is not read: it may be anything, and would end up in a table and in logs. */
const answerText = async (response: Response): Promise<string | null> => {
  await response.body?.cancel();
  if (response.ok) return null;
  const redirect = response.status >= 300 && response.status < 400 ? ', and redirects are not followed' : '';
  return `answered ${response.status}${redirect}`;
};

/** null where the receiver took it, else why not, in words that hold nothing of its answer. Does not throw. */
export const postNotice = async (post: Post): Promise<string | null> => {
  try {
    const response = await fetch(post.to, {
      method: 'POST',
      headers: headersOf(post),
      body: post.written.body,
      redirect: 'manual',
      signal: AbortSignal.timeout(timeoutMs),
    });
    return await answerText(response);
  } catch (error) {
    return failureText(error);
  }
};
