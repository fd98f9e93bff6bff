/**
 * Calls to the key management of a provider. An answer is read within limits, a redirect never followed, and
 * what failed says whether the provider may have done it all the same.
 */
import { Agent, request } from 'undici';
import { KeywardError, messageOf } from '../../foundation/errors.ts';
import { Secret } from '../../foundation/secret.ts';
import type { KeyManagement } from '../../providers/key-management.ts';
import { managedRequest, type FilledIn, type ManagedRequest } from '../../providers/managed-request.ts';
import { valueAt } from '../../providers/read-answer.ts';
import { quotable } from '../../providers/redact.ts';
import { retryAfterSeconds } from '../../foundation/retry-after.ts';
import { guardedConnect } from '../../foundation/guarded-connect.ts';
import type { ManagementAccess } from './management-store.ts';

const timeoutMs = 15_000;
const maxAnswerBytes = 4 * 1024 * 1024;
const mostPages = 100;
const longestMessage = 300;
/** Where a provider that is asked too often does not say for how long. */
const defaultWaitSeconds = 60;

export interface MintedKey {
  readonly key: Secret;
  /** Null where the provider knows keys by themselves only. */
  readonly id: string | null;
}

export interface ManagedKey {
  readonly id: string;
  readonly name: string;
  /** `off`: is refused now, and may be switched on again. */
  readonly state: 'live' | 'off' | 'dead';
  /** How the key begins and ends, where the provider shows that. */
  readonly hint: string | null;
}

/** The provider refused, and has done nothing; anything else thrown here leaves that open. */
export class RefusedByManagement extends KeywardError {
  /** @param retryAfterSeconds it asks to come again, so long from now; absent: it would say the same */
  constructor(message: string, retryAfterSeconds?: number) {
    super('management_failed', { message, ...(retryAfterSeconds !== undefined && { retryAfterSeconds }) });
  }
}

/** @throws RefusedByManagement, or KeywardError management_failed where the key may have been made */
export async function mintAtProvider(access: ManagementAccess, name: string): Promise<MintedKey> {
  const { mint } = access.management;
  if (mint === undefined) throw new KeywardError('management_unavailable');
  const json = await call(access, mint.call, { name });
  const secret = valueAt(json, mint.secretAt);
  const id = mint.idAt === undefined ? null : valueAt(json, mint.idAt);
  if (typeof secret !== 'string' || secret === '') {
    throw new KeywardError('management_failed', {
      message:
        'The provider answered in a form that is not understood, so the key that it may have made cannot be used.',
    });
  }
  return {
    key: new Secret(secret),
    id: textIn(id),
  };
}

/** All keys that live there, or null where they cannot be listed. Throws as mintAtProvider. */
export async function listAtProvider(access: ManagementAccess): Promise<ManagedKey[] | null> {
  const { list } = access.management;
  if (list === undefined) return null;
  const keys = new Map<string, ManagedKey>();
  let query: Record<string, string> = {};
  for (let page = 0, seen = 0; page < mostPages; page += 1) {
    const json = await call(access, list.call, { query });
    const entries = valueAt(json, list.at);
    if (!Array.isArray(entries)) throw notUnderstood();
    const before = keys.size;
    for (const entry of entries as unknown[]) {
      const key = readListed(list, entry);
      keys.set(key.id, key);
    }
    seen += entries.length;
    const next = nextOf(list.next, json, seen);
    // A page that brings nothing new is behind the last one, or the first one again.
    if (list.next === undefined || next === null || keys.size === before) return [...keys.values()];
    query = { [list.next.parameter]: next };
  }
  // What is not on a list that was cut off would be taken for dead.
  throw new KeywardError('management_failed', {
    message: `The provider lists its keys on more than ${mostPages} pages, and so many are not read.`,
  });
}

type KeyList = NonNullable<KeyManagement['list']>;

function readListed(list: KeyList, entry: unknown): ManagedKey {
  const holds = (field: KeyList['dead']): boolean =>
    field !== undefined && field.is.includes(valueAt(entry, field.path));
  const id = textIn(valueAt(entry, list.idAt));
  if (id === null) throw notUnderstood();
  return {
    id,
    name: textIn(valueAt(entry, list.nameAt)) ?? '',
    state: holds(list.dead) ? 'dead' : holds(list.off) ? 'off' : 'live',
    hint: list.hintAt === undefined ? null : textIn(valueAt(entry, list.hintAt)),
  };
}

function notUnderstood(): KeywardError {
  return new KeywardError('management_failed', {
    message: 'The provider listed its keys in a form that is not understood.',
  });
}

function nextOf(next: KeyList['next'], json: unknown, seen: number): string | null {
  if (next === undefined) return null;
  if (next.from === 'count') return String(seen);
  const value = valueAt(json, next.from);
  const hasMore = valueAt(json, 'has_more');
  return typeof value === 'string' && value !== '' && hasMore !== false ? value : null;
}

/** Ends a key for good; one that is not there any more is ended. Throws as mintAtProvider. */
export async function revokeAtProvider(
  access: ManagementAccess,
  { id, key }: { readonly id: string | null; readonly key: Secret | null },
): Promise<void> {
  const { list, disable, revoke } = access.management;
  const what = { ...(id !== null && { id }), ...(key !== null && { key }) };
  // An address without the number of the key may be the wrong one altogether, and then says nothing of the key.
  const expected = list === undefined ? 'done' : 'or gone';
  if (disable !== undefined) await call(access, disable, what, expected);
  await call(access, revoke, what, expected);
}

/** Whether a new key is known everywhere at its provider; true where it does not tell. Throws as mintAtProvider. */
export async function hasSpread(access: ManagementAccess, id: string | null): Promise<boolean> {
  const { spread } = access.management;
  return spread === undefined || id === null || !holdsFalse(await call(access, spread, { id }));
}

function holdsFalse(json: unknown): boolean {
  if (typeof json !== 'object' || json === null) return json === false;
  return Object.values(json).some((value) => holdsFalse(value));
}

async function call(
  access: ManagementAccess,
  what: Parameters<typeof managedRequest>[1],
  filled: Pick<FilledIn, 'name' | 'id' | 'key' | 'query'>,
  expected: 'done' | 'or gone' = 'done',
): Promise<unknown> {
  const { management, baseUrl, credential, parameters } = access;
  const { status, body, retryAfter } = await send(
    managedRequest(management, what, { baseUrl, credential, parameters, ...filled }),
    access,
  );
  if (status >= 200 && status < 300) return parse(body);
  if (status === 404 && expected === 'or gone') return null;
  const secrets = [credential, ...(filled.key === undefined ? [] : [filled.key])];
  const said = quotable(body, secrets, longestMessage);
  const advice = status === 401 || status === 403 ? ` It takes ${management.credential}.` : '';
  const message = `The provider's key management answered ${status}: ${said}${advice}`;
  if (status === 429)
    throw new RefusedByManagement(message, retryAfterSeconds(retryAfter, new Date()) ?? defaultWaitSeconds);
  throw status >= 400 && status < 500 && status !== 408
    ? new RefusedByManagement(message)
    : new KeywardError('management_failed', { message });
}

async function send(
  { method, url, headers, body }: ManagedRequest,
  access: ManagementAccess,
): Promise<{ status: number; body: string; retryAfter: string | string[] | undefined }> {
  // For this call alone, as for the test of a key.
  const agent = new Agent({ connect: guardedConnect(access, timeoutMs), allowH2: false });
  try {
    const answer = await request(url, {
      method,
      headers,
      body,
      dispatcher: agent,
      signal: AbortSignal.timeout(timeoutMs),
      reset: true,
    });
    const chunks: Buffer[] = [];
    let bytes = 0;
    for await (const chunk of answer.body as AsyncIterable<Buffer>) {
      chunks.push(chunk);
      bytes += chunk.length;
      if (bytes > maxAnswerBytes) break;
    }
    return {
      status: answer.statusCode,
      body: Buffer.concat(chunks).toString('utf8'),
      retryAfter: answer.headers['retry-after'],
    };
  } catch (error) {
    throw new KeywardError('management_failed', {
      message: `The provider's key management could not be asked: ${quotable(messageOf(error), [access.credential], longestMessage)}`,
      cause: error,
    });
  } finally {
    await agent.destroy();
  }
}

function textIn(value: unknown): string | null {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : null;
}

function parse(body: string): unknown {
  try {
    return JSON.parse(body) as unknown;
  } catch {
    return null;
  }
}
