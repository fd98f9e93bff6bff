/**
 * Asks a provider whether a key lives, by the call that costs nothing. A redirect is an answer, never
 * followed: it would carry the key to another host.
 */
import { request } from 'undici';
import { systemClock, type Clock } from '../foundation/clock.ts';
import type { Secret } from '../foundation/secret.ts';
import { classifyAnswer } from '../providers/classify-answer.ts';
import type { ProviderEntry } from '../providers/provider-entry.ts';
import { redactSecrets } from '../providers/redact.ts';
import { testRequest } from '../providers/test-request.ts';
import type { Verdict } from '../providers/verdict.ts';
import { messageOf } from '../foundation/errors.ts';

export interface KeyTestResult {
  readonly verdict: Verdict;
  /** One sentence without secrets. */
  readonly message: string;
  /** What to do next; empty when there is nothing to do. */
  readonly advice: string;
  readonly httpStatus: number | null;
  readonly responseTimeMs: number;
  readonly testedAt: Date;
}

const timeoutMs = 10_000;
const maxAnswerBytes = 1024 * 1024;

/** @param options.signal ends the test early, for a caller who left */
export async function testKey(
  entry: ProviderEntry,
  baseUrl: string,
  key: Secret,
  { clock = systemClock, signal }: { clock?: Clock; signal?: AbortSignal } = {},
): Promise<KeyTestResult> {
  const testedAt = clock.now();
  const startedAt = clock.monotonicMs();
  const outcome = await ask(entry, baseUrl, key, signal);
  return { ...outcome, responseTimeMs: Math.round(clock.monotonicMs() - startedAt), testedAt };
}

async function ask(
  entry: ProviderEntry,
  baseUrl: string,
  key: Secret,
  signal: AbortSignal | undefined,
): Promise<Omit<KeyTestResult, 'responseTimeMs' | 'testedAt'>> {
  const { method, url, headers, body } = testRequest(entry, baseUrl, key);
  const timeout = AbortSignal.timeout(timeoutMs);
  try {
    const answer = await request(url, {
      method,
      headers,
      body: body ?? null,
      signal: signal === undefined ? timeout : AbortSignal.any([timeout, signal]),
    });
    const text = await readLimited(answer.body);
    const { verdict, message, advice } = classifyAnswer(entry, { status: answer.statusCode, body: text });
    return { verdict, message: redactSecrets(message, [key]), advice, httpStatus: answer.statusCode };
  } catch (error) {
    const because = timeout.aborted ? `no answer within ${timeoutMs / 1000} s` : messageOf(error);
    return {
      verdict: 'unreachable',
      message: `The provider could not be asked: ${redactSecrets(because, [key])}.`,
      advice: 'Check the base URL and the network, then test again.',
      httpStatus: null,
    };
  }
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
