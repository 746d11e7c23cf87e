import type { Deployment, ServerReport } from '#domain/contracts/model-version.ts';
import type { RolloutObservation } from '#domain/contracts/rollout.ts';

const short = (digest: string | null): string => digest?.slice(0, 12) ?? 'none';

const isBehind = (report: ServerReport, wanted: Deployment): boolean =>
  report.state !== 'serving' ||
  report.generation !== wanted.generation ||
  report.modelSha256 !== (wanted.champion?.modelSha256 ?? null) ||
  report.candidateSha256 !== (wanted.rollout?.candidate.modelSha256 ?? null) ||
  report.share !== (wanted.rollout?.share ?? 0);

/** Does a server apply the generation that is wanted, its candidate and its share, as far as it says? */
export const follows = (report: ServerReport, wanted: Deployment): boolean => !isBehind(report, wanted);

const tell = ({ serverId, state, generation, candidateSha256, share }: ServerReport, wanted: Deployment): string =>
  `Server "${serverId}" reports generation ${generation}, candidate ${short(candidateSha256)}, share ${share}, ${state}; ` +
  `generation ${wanted.generation}, candidate ${short(wanted.rollout?.candidate.modelSha256 ?? null)}, share ${wanted.rollout?.share ?? 0} is set`;

/** What servers say, held against what is wanted; `counting` names those whose counters were heard of lately. */
export const compareServers = (
  wanted: Deployment,
  reports: readonly ServerReport[],
  counting: readonly string[],
): RolloutObservation['servers'] => {
  const refusing = reports.find(({ state, generation }) => state === 'refused' && generation === wanted.generation);
  const behind = reports.find((report) => isBehind(report, wanted));
  const known = new Set(reports.map(({ serverId }) => serverId));
  const silent = counting.find((serverId) => !known.has(serverId));
  return {
    refused:
      refusing === undefined
        ? null
        : `Server "${refusing.serverId}" refused generation ${wanted.generation}: ${refusing.reason ?? 'no reason given'}`,
    behind:
      behind !== undefined
        ? tell(behind, wanted)
        : silent === undefined
          ? null
          : `Server "${silent}" counts requests and does not report what it applies`,
  };
};
