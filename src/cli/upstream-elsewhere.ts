/** Where a running server sends a provider's requests to another address than the environment of this shell would. */
import type { LiveInstance } from '../keys/instances.ts';

/** A sentence per server; empty where all agree, or none says. */
export function upstreamElsewhere(
  live: readonly LiveInstance[],
  slug: string,
  baseUrl: string | null,
): string[] {
  return live.flatMap(({ host, pid, serves }) => {
    const theirs = serves[slug]?.base_url;
    if (theirs === undefined || theirs === baseUrl) return [];
    return [
      `The server ${host} (process ${pid}) ${theirs === null ? 'can send to no address' : `sends to ${theirs}`}: it was started with other variables than this shell has.`,
    ];
  });
}
