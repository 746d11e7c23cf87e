import type { FastifyReply } from 'fastify';
import { reportPolicy } from '../../infra/report/page.ts';

/** A page that may load and run nothing, and be shown in no frame. */
export const sendPage = (reply: FastifyReply, text: string): FastifyReply =>
  reply
    .headers({
      'content-security-policy': `${reportPolicy}; frame-ancestors 'none'`,
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
    })
    .type('text/html; charset=utf-8')
    .send(text);
