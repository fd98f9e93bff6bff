/** What of a base URL is the provider's own path and what is a prefix before it, so that a mirror under any path works. */
import type { NativeApi, ProviderEntry } from './provider-entry.ts';

/** A base URL, or its path, without the provider's own base path at its end. */
export function rootOf(entry: ProviderEntry, base: string): string {
  const ownPath = entry.baseUrl === undefined ? '' : new URL(entry.baseUrl).pathname.replace(/\/$/, '');
  return base.endsWith(ownPath) ? base.slice(0, base.length - ownPath.length) : base;
}

/**
 * The path under which the native API is, for a base URL of any prefix.
 * @param basePath begins with a slash and ends without one, or is empty
 */
export function nativeBasePath(entry: ProviderEntry, { under, path }: NativeApi, basePath: string): string {
  return (under === 'base' ? basePath : rootOf(entry, basePath)) + path;
}

/**
 * The path of a base URL as SDKs of the provider's own API take it, which put the rest of it there themselves: Anthropic's
 * has no /v1, Google's no /openai. One that is none of its own path stays as it is.
 * @param baseUrl the provider's own
 * @param basePath as above
 */
export function wholeBasePath(
  baseUrl: string | undefined,
  native: NativeApi | undefined,
  basePath: string,
): string {
  if (native === undefined || baseUrl === undefined) return basePath;
  const ownPath = new URL(baseUrl).pathname.replace(/\/$/, '');
  return `${ownPath}/`.startsWith(`${basePath}/`) ? ownPath : basePath;
}
