/** Administrators of a running Keyward: with tokens, with sessions of a browser, from addresses of their own. */
import type { AuditAction } from '../../src/audit/audit-event.ts';
import { createToken, type NewToken } from '../../src/auth/token-store.ts';
import { occasionOfTests } from './audited.ts';
import { adminToken, type RunningKeyward } from './running-keyward.ts';

/** So that X-Forwarded-For says where a request of a test comes from. */
export const behindProxy = { TRUSTED_PROXIES: 'loopback' };

/** What a browser keeps of a session. */
export interface BrowserSession {
  readonly cookie: string;
  readonly csrfToken: string;
  readonly id: string;
}

export interface AskOptions {
  readonly token?: string;
  readonly session?: BrowserSession;
  /** With a session; true where absent. */
  readonly csrf?: boolean;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** Where the request comes from; the server must trust the proxy. */
  readonly from?: string;
}

/** `GET /api/v1/admin/status`, by a token or by a session as our page sends it. */
export async function ask(
  keyward: RunningKeyward,
  request: `${string} /${string}`,
  { token, session, csrf = true, body, headers = {}, from }: AskOptions = {},
): Promise<Response> {
  const [method = 'GET', path = '/'] = request.split(' ');
  return fetch(`${keyward.server.url}${path}`, {
    method,
    redirect: 'manual',
    ...(body !== undefined && { body: JSON.stringify(body) }),
    headers: {
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
      ...(session !== undefined && { cookie: session.cookie, 'sec-fetch-site': 'same-origin' }),
      ...(session !== undefined && csrf && { 'x-csrf-token': session.csrfToken }),
      ...(from !== undefined && { 'x-forwarded-for': from }),
      ...headers,
    },
  });
}

/** All entries of a list, page by page. */
export async function pages(
  keyward: RunningKeyward,
  address: `/${string}?${string}`,
): Promise<Record<string, unknown>[]> {
  const entries: Record<string, unknown>[] = [];
  for (let cursor: string | null = ''; cursor !== null;) {
    const place = cursor === '' ? '' : `&cursor=${cursor}`;
    const response = await ask(keyward, `GET ${address}${place}`, { token: adminToken });
    const page = (await response.json()) as {
      data: Record<string, unknown>[];
      has_more: boolean;
      next_cursor: string | null;
    };
    if (page.has_more !== (page.next_cursor !== null)) throw new Error('has_more and next_cursor disagree');
    entries.push(...page.data);
    cursor = page.next_cursor;
  }
  return entries;
}

/** The code of an error, and the status that it came with. */
export async function refusalOf(response: Response): Promise<{ status: number; code: string }> {
  const { error } = (await response.json()) as { error: { code: string } };
  return { status: response.status, code: error.code };
}

/** Signs in as the page does. */
export async function signIn(
  keyward: RunningKeyward,
  token = adminToken,
  options: Omit<AskOptions, 'body' | 'token'> = {},
): Promise<BrowserSession> {
  const response = await ask(keyward, 'POST /api/v1/admin/session', { ...options, body: { token } });
  if (response.status !== 201)
    throw new Error(`the sign-in was answered ${response.status}: ${await response.text()}`);
  const { id, session } = (await response.json()) as { id: string; session: { csrf_token: string } };
  return { id, csrfToken: session.csrf_token, cookie: cookieIn(response) };
}

/** What a browser would send back of the cookies that an answer sets. */
export function cookieIn(response: Response): string {
  return response.headers
    .getSetCookie()
    .map((line) => line.split(';', 1)[0] ?? '')
    .filter((pair) => !pair.endsWith('='))
    .join('; ');
}

/** A new token, made past the API. */
export async function newToken(
  keyward: RunningKeyward,
  { kind = 'admin', name = 'a test', ...rest }: Partial<NewToken> = {},
): Promise<{ id: number; token: string }> {
  const { audit } = keyward.server.installation;
  const { id, token } = await createToken(audit, occasionOfTests, { kind, name, ...rest });
  return { id, token: token.reveal() };
}

export interface AuditedEvent {
  readonly actor: Readonly<Record<string, unknown>>;
  readonly action: string;
  readonly target: { readonly kind: string; readonly id: string };
  readonly outcome: string;
  readonly reason: string | null;
  readonly request_id: string | null;
  readonly before: Readonly<Record<string, unknown>> | null;
  readonly after: Readonly<Record<string, unknown>> | null;
}

/** The events of one action, the oldest first. */
export async function eventsOf(keyward: RunningKeyward, action: AuditAction): Promise<AuditedEvent[]> {
  const rows = await keyward.sql<{ event: string }>(
    'SELECT event FROM keyward_audit_events WHERE action = $1 ORDER BY sequence',
    [action],
  );
  return rows.map(({ event }) => JSON.parse(event) as AuditedEvent);
}
