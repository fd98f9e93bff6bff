/** Says the remarks of the snapshots in the log, each once: again only for another key or another remark. */
import type { Logger } from '../foundation/logger.ts';
import type { Snapshot } from './snapshot.ts';

/** To be called with every snapshot that comes into force. */
export function remarkTeller(log: Logger): (snapshot: Snapshot) => void {
  let told = new Map<string, string>();
  return ({ remarks, providers }) => {
    const current = new Map<string, string>();
    for (const [slug, remark] of remarks) {
      const key = providers.get(slug)?.resolution.key ?? null;
      current.set(slug, `${key?.fingerprint} ${remark}`);
      if (told.get(slug) === current.get(slug)) continue;
      log.warn({ provider: slug, key }, `a stored key serves without a binding: ${remark}`);
    }
    told = current;
  };
}
