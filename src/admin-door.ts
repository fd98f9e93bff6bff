/**
 * The administrators' door. To read and to build the admin API takes as long as all of the gateway, so no
 * start waits for it: it is opened for the first request that needs it, or a breath after the gateway serves.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AdminApiParts } from './admin-api/admin-api-parts.ts';
import { hostCheck } from './admin-api/check-host.ts';
import { answerLive, answerReady } from './admin-api/early-health.ts';
import type { TypedApp } from './admin-api/typed-app.ts';
import { KeywardError } from './foundation/errors.ts';
import type { RequestHandler } from './front-door.ts';
import { sendError } from './gateway/send-error.ts';

/** Long enough for those who wait for the start to hear of it, and for the first calls. */
const breathMs = 250;

export interface AdminDoor {
  readonly handle: RequestHandler;
  /** Waits for an opening that is under way. */
  close(): Promise<void>;
}

export function openAdminDoor(parts: AdminApiParts): AdminDoor {
  const checkHost = hostCheck(parts.config);
  const isAdmitted = (request: IncomingMessage): boolean => {
    try {
      checkHost(request);
      return true;
    } catch {
      return false;
    }
  };
  let app: TypedApp | undefined;
  let opening: Promise<TypedApp> | undefined;
  const build = async (): Promise<TypedApp> => {
    const { createAdminApi } = await import('./admin-api/app.ts');
    app = await createAdminApi(parts);
    return app;
  };
  const open = async (): Promise<TypedApp> => {
    clearTimeout(unasked);
    opening ??= build();
    return opening;
  };
  const unasked = setTimeout(() => {
    open().catch((error: unknown) => parts.log.error({ err: error }, 'the admin API cannot be opened'));
  }, breathMs);
  const handleEarly = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    // Who is refused is refused by the app, which writes it down.
    if (isAdmitted(request) && (answerLive(request, response) || answerReady(request, response, parts)))
      return;
    const opened = await open();
    opened.routing(request, response);
  };
  return {
    handle: (request, response) => {
      if (app !== undefined) {
        app.routing(request, response);
        return;
      }
      handleEarly(request, response).catch((error: unknown) => {
        sendError(request, response, new KeywardError('internal_error', { cause: error }));
      });
    },
    close: async () => {
      clearTimeout(unasked);
      await (await opening?.catch(() => undefined))?.close();
    },
  };
}
