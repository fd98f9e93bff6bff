/**
 * The requests that a provider's key management comes to. The one place where a key that is to be revoked stands
 * in the request that revokes it.
 */
import type { Secret } from '../foundation/secret.ts';
import { carryKey } from './key-header.ts';
import type { KeyManagement, ManagedCall } from './key-management.ts';

export interface ManagedRequest {
  readonly method: ManagedCall['method'];
  readonly url: string;
  /** Hold the credential: neither log nor store them. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | null;
}

export interface FilledIn {
  readonly baseUrl: string;
  readonly credential: Secret;
  readonly parameters: Readonly<Record<string, string>>;
  readonly name?: string;
  readonly id?: string;
  readonly key?: Secret;
  /** Added to the address. */
  readonly query?: Readonly<Record<string, string>>;
}

export function managedRequest(
  { keyHeader, headers = {} }: KeyManagement,
  { method, path, body }: ManagedCall,
  { baseUrl, credential, parameters, name = '', id = '', key, query = {} }: FilledIn,
): ManagedRequest {
  const values: Readonly<Record<string, string>> = { ...parameters, name, id };
  const inPath = path.replace(/\{(\w+)\}/g, (_, word: string) => encodeURIComponent(values[word] ?? ''));
  const url = new URL(baseUrl.replace(/\/+$/, '') + inPath);
  for (const [word, value] of Object.entries(query)) url.searchParams.set(word, value);
  const inBody = (text: string): string =>
    text.replace(/\{(\w+)\}/g, (_, word: string) =>
      word === 'key' ? (key?.reveal() ?? '') : (values[word] ?? ''),
    );
  const [carrier, carried] = carryKey(keyHeader, credential);
  return {
    method,
    url: url.href,
    headers: {
      accept: 'application/json',
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...headers,
      [carrier]: carried,
    },
    body:
      body === undefined
        ? null
        : JSON.stringify(body, (_, value: unknown) => (typeof value === 'string' ? inBody(value) : value)),
  };
}
