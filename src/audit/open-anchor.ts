/** The anchor that the configuration names. */
import type { Clock } from '../foundation/clock.ts';
import type { AnchorConfig } from '../foundation/config-anchor.ts';
import type { Logger } from '../foundation/logger.ts';
import { fileAnchor } from './anchor-file.ts';
import { WebhookAnchor } from './anchor-webhook.ts';
import type { Anchor } from './anchor.ts';

/** @returns null where heads are noted nowhere */
export function openAnchor(
  config: AnchorConfig,
  { log, clock }: { readonly log: Logger; readonly clock: Clock },
): Anchor | null {
  if (config.kind === 'file') return fileAnchor(config.path);
  if (config.kind === 'webhook') return new WebhookAnchor({ ...config, clock });
  if (config.kind === 'off') return null;
  return {
    note: async (head) => log.info({ audit_head: head }, 'the head of the audit trail'),
    last: async () => undefined,
  };
}
