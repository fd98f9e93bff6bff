/**
 * The request that proves a key, ready to send to whatever base URL is in force: the provider's own, a
 * mirror, or a stand-in under any path. It spends no tokens, but for the one that says so.
 */
import type { Secret } from '../foundation/secret.ts';
import { rootOf } from './base-path.ts';
import { carryKey } from './key-header.ts';
import type { ProviderEntry } from './provider-entry.ts';

export interface TestRequest {
  readonly method: 'GET' | 'POST';
  readonly url: string;
  /** Hold the key: neither log nor store them. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
}

/**
 * Where the test call of the provider goes.
 *
 * A test `under: 'base'` is appended to the base URL. One `under: 'root'` first drops the provider's own
 * base path from the end of the base URL, if it stands there: DeepSeek's `/user/balance` becomes
 * `https://api.deepseek.com/user/balance` for the base `https://api.deepseek.com/v1`, and
 * `http://127.0.0.1:9/any/user/balance` for both `http://127.0.0.1:9/any` and `http://127.0.0.1:9/any/v1`.
 */
export function testUrl(entry: ProviderEntry, baseUrl: string): string {
  const base = baseUrl.replace(/\/+$/, '');
  return (entry.test.under === 'base' ? base : rootOf(entry, base)) + entry.test.path;
}

/** The whole test call. A redirect must not be followed: it would carry the key to another host. */
export function testRequest(entry: ProviderEntry, baseUrl: string, key: Secret): TestRequest {
  const { method, keyHeader, headers, body } = entry.test;
  const [name, value] = carryKey(keyHeader, key);
  return {
    method,
    url: testUrl(entry, baseUrl),
    headers: { accept: 'application/json', ...headers, [name]: value },
    body,
  };
}

/** A chat that asks for one token: proves that the key may do what callers want, and costs that token. */
export function spendingRequest(
  { keyHeader }: ProviderEntry,
  baseUrl: string,
  key: Secret,
  model: string,
): TestRequest {
  const [name, value] = carryKey(keyHeader, key);
  return {
    method: 'POST',
    url: `${baseUrl.replace(/\/+$/, '')}/chat/completions`,
    headers: { accept: 'application/json', 'content-type': 'application/json', [name]: value },
    body: JSON.stringify({ model, messages: [{ role: 'user', content: 'Hi' }], max_tokens: 1 }),
  };
}
