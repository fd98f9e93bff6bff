/**
 * Asks a provider whether a key lives, by the call that costs nothing unless told otherwise. A redirect is an answer, never
 * followed: it would carry the key to another host. What leaves here holds no key, whatever came back.
 */
import type { IncomingHttpHeaders } from 'node:http';
import { Agent, request } from 'undici';
import { systemClock, type Clock } from '../foundation/clock.ts';
import type { Secret } from '../foundation/secret.ts';
import { classifyAnswer, type Classification } from '../providers/classify-answer.ts';
import type { KeyFacts } from '../providers/key-facts.ts';
import type { ProviderEntry } from '../providers/provider-entry.ts';
import { readFacts, toldNothing, type ToldForFree } from '../providers/read-facts.ts';
import { quotable } from '../providers/redact.ts';
import { spendingRequest, testRequest } from '../providers/test-request.ts';
import { classifyFault, classifyTimeout } from '../providers/transport-faults.ts';
import type { Verdict } from '../providers/verdict.ts';
import { guardedConnect } from '../foundation/guarded-connect.ts';
import type { Upstream } from './upstream-address.ts';

export interface KeyTestResult {
  readonly verdict: Verdict;
  /** A sentence or two without secrets. */
  readonly message: string;
  /** What to do next. */
  readonly advice: string;
  /** The provider's own code, or the name of the rule or fault that decided; at most 64 characters. */
  readonly code: string | null;
  /** The key must not be stored for chats at all, and `message` says why: it is an administrator's. */
  readonly unfit: boolean;
  /** Null where no whole answer came. */
  readonly httpStatus: number | null;
  /** How many models the key may use; null where the free call does not list them all. */
  readonly modelsAvailable: number | null;
  readonly facts: KeyFacts;
  readonly responseTimeMs: number;
  readonly testedAt: Date;
}

export interface KeyTestOptions {
  readonly clock?: Clock;
  /** Ends the test early, for a caller who left. */
  readonly signal?: AbortSignal;
  /** From the start of the request to the end of the answer. */
  readonly timeoutMs?: number;
  /** Makes a chat of one token in the place of the call that costs nothing, with this model. */
  readonly spendOn?: string;
}

/** The caller left before there was a result. This is no verdict: nothing may be recorded of such a test. */
export class KeyTestCancelled extends Error {
  constructor(reason: unknown) {
    super('The test of the key was cancelled.', { cause: reason });
    // The name by which programs know what was given up on purpose.
    this.name = 'AbortError';
  }
}

const defaultTimeoutMs = 10_000;
const maxAnswerBytes = 1024 * 1024;
const longestMessage = 500;
const longestCode = 64;

export type TestedUpstream = Pick<Upstream, 'baseUrl' | 'allowPrivateNetwork' | 'headers'>;

/**
 * @param upstream where the requests of this provider go
 * @throws KeyTestCancelled when `signal` was aborted before there was a result
 */
export async function testKey(
  entry: ProviderEntry,
  upstream: TestedUpstream,
  key: Secret,
  { clock = systemClock, signal, timeoutMs = defaultTimeoutMs, spendOn }: KeyTestOptions = {},
): Promise<KeyTestResult> {
  if (signal?.aborted === true) throw new KeyTestCancelled(signal.reason);
  const testedAt = clock.now();
  const startedAt = clock.monotonicMs();
  const { classification, httpStatus, told } = await ask(entry, upstream, key, {
    signal,
    timeoutMs,
    spendOn,
  });
  const { verdict, message, advice, code } = classification;
  return {
    verdict,
    message: quotable(message, [key], longestMessage),
    advice,
    code: code === undefined ? null : quotable(code, [key], longestCode),
    unfit: classification.unfit === true,
    httpStatus,
    ...told,
    responseTimeMs: Math.round(clock.monotonicMs() - startedAt),
    testedAt,
  };
}

interface Outcome {
  readonly classification: Classification;
  readonly httpStatus: number | null;
  readonly told: ToldForFree;
}

async function ask(
  entry: ProviderEntry,
  upstream: TestedUpstream,
  key: Secret,
  {
    signal,
    timeoutMs,
    spendOn,
  }: { signal: AbortSignal | undefined; timeoutMs: number; spendOn: string | undefined },
): Promise<Outcome> {
  const timeout = AbortSignal.timeout(timeoutMs);
  // For this test alone: no connection of another provider's rule is used, and none is left.
  const agent = new Agent({ connect: guardedConnect(upstream, timeoutMs), allowH2: false });
  const call =
    spendOn === undefined
      ? testRequest(entry, upstream.baseUrl, key)
      : spendingRequest(entry, upstream.baseUrl, key, spendOn);
  try {
    const answer = await send(
      { ...call, headers: { ...upstream.headers, ...call.headers } },
      agent,
      signal === undefined ? timeout : AbortSignal.any([timeout, signal]),
    );
    if (spendOn !== undefined && answer.status === 200)
      return { classification: generated(entry), httpStatus: 200, told: toldNothing };
    return {
      classification: classifyAnswer(entry, answer),
      httpStatus: answer.status,
      told: readFacts(entry, answer, key),
    };
  } catch (error) {
    // Who left is asked first: a limit that passes meanwhile changes nothing about that.
    if (signal?.aborted === true) throw new KeyTestCancelled(signal.reason);
    const classification = timeout.aborted ? classifyTimeout(timeoutMs) : classifyFault(error, key);
    return { classification, httpStatus: null, told: toldNothing };
  } finally {
    await agent.destroy();
  }
}

function generated({ displayName }: ProviderEntry): Classification {
  return {
    verdict: 'valid',
    message: `${displayName} answered a call with the key.`,
    advice: 'Nothing to do.',
    code: 'generated',
  };
}

async function send(
  { method, url, headers, body }: ReturnType<typeof testRequest>,
  dispatcher: Agent,
  signal: AbortSignal,
): Promise<{ status: number; headers: IncomingHttpHeaders; body: string }> {
  const answer = await request(url, {
    method,
    headers,
    body: body ?? null,
    dispatcher,
    signal,
    // The provider learns at once that the connection is of no more use.
    reset: true,
  });
  return { status: answer.statusCode, headers: answer.headers, body: await readLimited(answer.body) };
}

async function readLimited(body: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes > maxAnswerBytes) break;
  }
  return Buffer.concat(chunks).toString('utf8');
}
