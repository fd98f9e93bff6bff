/**
 * The addresses at which callers keep keys of their own. Whose they are the token says, never the request; a key goes
 * in and does not come out again but masked.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { z } from 'zod';
import type { Caller } from '../auth/authenticate.ts';
import { KeywardError } from '../foundation/errors.ts';
import { Secret } from '../foundation/secret.ts';
import { holdsNoSecret, plainText } from '../keys/provider-rules.ts';
import type { Asker, UserKeyDesk, UserKeyTested } from '../keys/user-key-desk.ts';
import { viewUserKey } from '../keys/view-user-key.ts';
import { checkBodyHeaders, parseJsonObject, readBody, type BodyLimits } from './read-request.ts';

const slugText = plainText(100)
  .min(1, 'must be the slug of a provider')
  .refine(holdsNoSecret, 'must not hold a key');
const newKey = z.strictObject({
  provider: slugText,
  api_key: z.string('must be a text').min(1, 'must not be empty').max(10_000),
  key_name: plainText(200).refine(holdsNoSecret, 'must not hold secrets').nullish(),
});

export interface UserKeyRequest {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly id: string;
  readonly caller: Caller;
  /** From the version on: /byok/keys/groq/test */
  readonly path: string;
}

/** @throws KeywardError token_without_owner (403), field_invalid (400), and those of the desk */
export async function answerUserKeys(
  desk: UserKeyDesk,
  limits: BodyLimits,
  { request, response, id, caller, path }: UserKeyRequest,
): Promise<void> {
  const owner = caller.limits?.owner ?? null;
  if (owner === null) throw new KeywardError('token_without_owner');
  const left = new AbortController();
  response.once('close', () => left.abort());
  const asker = { owner, occasion: { actor: actorOf(caller, request), requestId: id }, signal: left.signal };
  const [, , , slug, act] = path.split('/');
  const answer = await actOn(desk, asker, {
    method: request.method ?? '',
    slug: slug === undefined ? undefined : slugIn(slug),
    isTest: act !== undefined,
    body: async () => bodyOf(request, limits),
  });
  const text = Buffer.from(JSON.stringify(answer));
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': text.length });
  response.end(text);
}

async function actOn(
  desk: UserKeyDesk,
  asker: Asker,
  wanted: {
    method: string;
    slug: string | undefined;
    isTest: boolean;
    body: () => Promise<z.output<typeof newKey>>;
  },
): Promise<object> {
  const { slug } = wanted;
  if (slug === undefined && wanted.method === 'GET')
    return { object: 'list', data: (await desk.list(asker.owner)).map((key) => viewUserKey(key)) };
  if (slug === undefined) {
    const { provider, api_key: key, key_name: name = null } = await wanted.body();
    const set = await desk.set(asker, { slug: provider, key: new Secret(key.trim()), name });
    return { provider, key_name: name, ...viewTest(set) };
  }
  if (wanted.isTest) return { provider: slug, ...viewTest(await desk.test(asker, slug)) };
  await desk.remove(asker, slug);
  return { provider: slug, deleted: true };
}

function actorOf(
  { tokenId, name }: Caller,
  { socket, headers }: IncomingMessage,
): Asker['occasion']['actor'] {
  const userAgent = headers['user-agent'] ?? null;
  const address = socket.remoteAddress ?? null;
  return { kind: 'gateway_token', id: String(tokenId), name, role: null, address, userAgent };
}

function slugIn(text: string): string {
  const read = slugText.safeParse(text);
  if (read.success) return read.data;
  throw new KeywardError('field_invalid', {
    message: 'The address does not name a provider by its slug.',
    param: 'provider',
  });
}

const maxKeyBodyBytes = 64 * 1024;

async function bodyOf(request: IncomingMessage, given: BodyLimits): Promise<z.output<typeof newKey>> {
  const limits = { ...given, maxBodyBytes: Math.min(given.maxBodyBytes, maxKeyBodyBytes) };
  checkBodyHeaders(request, limits);
  const read = newKey.safeParse(parseJsonObject(await readBody(request, limits)));
  if (read.success) return read.data;
  const [issue] = read.error.issues;
  const param = issue?.path.map(String).join('.') ?? '';
  // What is not known could be a key, and no value is repeated.
  if (issue?.code === 'unrecognized_keys' || param === '') throw new KeywardError('field_unknown');
  throw new KeywardError('field_invalid', { message: `The field "${param}" ${issue?.message}.`, param });
}

function viewTest({ mask, fingerprint, warnings, test }: UserKeyTested): object {
  return {
    mask,
    fingerprint,
    is_valid: test.verdict === 'valid',
    verdict: test.verdict,
    message: test.message,
    advice: test.advice,
    tested_at: test.testedAt.toISOString(),
    response_time_ms: test.responseTimeMs,
    warnings,
  };
}
