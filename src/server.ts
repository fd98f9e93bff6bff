/**
 * The server: binds the port first, so that a start which cannot serve leaves nothing behind, answers
 * /health/live from then on, and opens the rooms behind it. What takes long to read is read a
 * turn later, while the embedded engine starts in its thread.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { answerLive } from './admin-api/early-health.ts';
import type { Clock } from './foundation/clock.ts';
import type { Config } from './foundation/config.ts';
import { KeywardError } from './foundation/errors.ts';
import { drain, listen, openDoor, type RequestHandler } from './front-door.ts';
import { requestId } from './gateway/headers.ts';
import { sendError } from './gateway/send-error.ts';
import type { Installation } from './installation.ts';
import type { Snapshot } from './keys/snapshot.ts';
import { openInstallation } from './open-installation.ts';
import type { FirstTokens, RoomsOptions } from './rooms.ts';

export interface RunningServer {
  readonly url: string;
  readonly installation: Installation;
  readonly snapshot: () => Snapshot;
  /** Tokens that this start made: the only chance to show them. */
  readonly firstTokens: FirstTokens;
  /** Finishes what is in flight, within the configured time, and closes everything. */
  stop(): Promise<void>;
}

export interface ServerOptions extends RoomsOptions {
  readonly onProgress: (message: string) => void;
  readonly clock?: Clock;
}

/** While the rooms are opened: the process lives, and that is all. */
const notReady: RequestHandler = (request, response) => {
  if (answerLive(request, response)) return;
  response.setHeader('x-request-id', requestId(request.headers));
  sendError(request, response, new KeywardError('not_ready', { retryAfterSeconds: 1 }));
};

/** @throws UsageError with one line when it cannot start */
export async function startServer(config: Config, options: ServerOptions): Promise<RunningServer> {
  let handle = notReady;
  const door = openDoor(config, (request, response) => handle(request, response));
  const url = await listen(door.http, config);
  try {
    const [installation, { openRooms }] = await Promise.all([
      openInstallation(config, {
        as: 'server',
        onProgress: options.onProgress,
        onIdleError: (error) => options.log.debug({ err: error }, 'an idle database connection broke'),
        ...(options.clock !== undefined && { clock: options.clock }),
      }),
      nextTurn().then(async () => import('./rooms.ts')),
    ]);
    try {
      const rooms = await openRooms(installation, options);
      handle = rooms.handle;
      return {
        url,
        installation,
        firstTokens: rooms.firstTokens,
        snapshot: rooms.snapshot,
        stop: async () => {
          rooms.beginStop();
          await drain(door, config.limits.shutdownTimeoutMs, async () => rooms.refuseWaiting());
          await rooms.close();
          await installation.close();
        },
      };
    } catch (error) {
      await installation.close();
      throw error;
    }
  } catch (error) {
    door.http.closeAllConnections();
    door.http.close();
    throw error;
  }
}
