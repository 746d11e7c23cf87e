/** What stands in front of callers. */
import type { ErrorEntry } from './entry.ts';

export const deploymentErrors = {
  PRN_DEPLOY_CONFLICT: {
    meaning: 'The deployment is another than was expected: another champion, another rollout, or none any more',
    retry: 'final',
    who: 'operator',
    action:
      'Look at `perennial status PIPELINE`: wait for a rollout that runs or take it back; a candidate that was compared with a former champion is to be compared anew, by another run',
    status: 409,
    exit: 5,
  },
  PRN_DEPLOY_QUESTION: {
    meaning: 'A version that a person names answers another question than the champion: another label, task or set of classes',
    retry: 'final',
    who: 'operator',
    action:
      'Name a version that answers the same question (`perennial models diff PIPELINE FROM TO` shows what differs); if callers are to get these answers, say so: `--despite question`',
    status: 409,
    exit: 5,
  },
  PRN_DEPLOY_REFUSED: {
    meaning: 'No server could serve a promoted version; the previous champion was put back',
    retry: 'final',
    who: 'operator',
    action: "Read the server's reason in the message, then run again",
    status: 409,
    exit: 1,
  },
} as const satisfies Readonly<Record<string, ErrorEntry>>;
