/** What the gateway is built from: everything that it reads, and everybody whom it tells. */
import type { Clock } from '../foundation/clock.ts';
import type { Config } from '../foundation/config.ts';
import type { Logger } from '../foundation/logger.ts';
import type { LiveWatch } from '../keys/health/live-watch.ts';
import type { UserKeyDesk } from '../keys/user-key-desk.ts';
import type { UserKeyWatch } from '../keys/user-key-watch.ts';
import type { RecentRequests } from '../keys/recent-requests.ts';
import type { RotationWatch } from '../keys/rotation/rotation-watch.ts';
import type { Snapshot } from '../keys/snapshot.ts';
import type { UsageSink } from '../usage/usage-record.ts';
import type { CallerLimits } from './caller-limits.ts';
import type { GatewayMetrics } from './gateway-metrics.ts';

export interface GatewayParts {
  readonly config: Config;
  readonly snapshot: () => Snapshot;
  /** Asks for a look at the database now; called when a provider refuses a key. */
  readonly refresh: () => void;
  /** What the keys of rotations served, and that one was refused. */
  readonly rotations: Pick<RotationWatch, 'count' | 'isRefused' | 'refused'>;
  /** Hears what calls say of the keys that they were sent with. */
  readonly live: Pick<LiveWatch, 'saw'>;
  /** How often a token may call, and for how much. */
  readonly limits: CallerLimits;
  /** Where callers keep keys of their own. */
  readonly userKeys: UserKeyDesk;
  /** Hears that a key of a user was refused. */
  readonly userKeyWatch: Pick<UserKeyWatch, 'refused'>;
  readonly metrics: GatewayMetrics;
  /** Told of each request when it is over. */
  readonly usage: UsageSink;
  /** Told which provider a request is for. */
  readonly requests: Pick<RecentRequests, 'count'>;
  readonly clock: Clock;
  readonly log: Logger;
}
