/** The actors that are no request: a person at a command line, the server itself. */
import { hostname, userInfo } from 'node:os';
import type { Actor } from './audit-event.ts';

/** Whoever runs this process at a terminal or from a script. */
export function commandActor(): Actor {
  return { ...nobody, kind: 'command', name: `${userName()}@${hostname()}` };
}

/** The server acting by itself. */
export function systemActor(instanceId: string): Actor {
  return { ...nobody, kind: 'system', id: instanceId, name: `keyward on ${hostname()}` };
}

const nobody = { id: null, role: null, address: null, userAgent: null };

/** In a container the user may have no name. */
function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return String(process.getuid?.() ?? 'unknown');
  }
}
