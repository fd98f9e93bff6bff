/**
 * What an administrator may say of a provider, field by field: checked here, before anything is written,
 * and shown in the audit trail without what could be a secret.
 */
import type { Config } from '../foundation/config.ts';
import { KeywardError } from '../foundation/errors.ts';
import { plainLine } from '../foundation/visible-text.ts';
import { providerEntry } from '../providers/registry.ts';
import { readRequestHeaders } from './request-headers.ts';
import { checkAddress } from '../foundation/outbound-address.ts';

/** Undefined leaves a field as it is. */
export interface ProviderSettings {
  readonly displayName?: string | undefined;
  /** Null for the provider's own address, where it is known here. */
  readonly baseUrl?: string | null | undefined;
  readonly source?: string | undefined;
  readonly isActive?: boolean | undefined;
  /** By name; null for none. */
  readonly requestHeaders?: Readonly<Record<string, string>> | null | undefined;
  readonly allowPrivateNetwork?: boolean | undefined;
  /** Whether users may bring keys of their own. */
  readonly isByokSupported?: boolean | undefined;
}

/** The same as columns. */
export interface ProviderColumns {
  readonly display_name: string;
  readonly base_url: string | null;
  readonly api_key_source: string;
  readonly is_active: boolean | null;
  readonly request_headers: unknown;
  readonly allow_private_network: boolean;
  readonly is_byok_supported: boolean | null;
}

const sources: readonly string[] = ['environment', 'database', 'hybrid'];
const longestUrl = 500;

/**
 * The fields as columns, on top of those that stand there now.
 * @throws KeywardError field_invalid (400) that names the field
 */
export function applySettings(
  slug: string,
  now: ProviderColumns,
  fields: ProviderSettings,
  { upstream }: Pick<Config, 'upstream'>,
): ProviderColumns {
  const headers =
    fields.requestHeaders === undefined ? now.request_headers : checkHeaders(fields.requestHeaders);
  const columns: ProviderColumns = {
    display_name:
      fields.displayName === undefined
        ? now.display_name
        : checkName(fields.displayName, 'display_name', 200),
    base_url: fields.baseUrl === undefined ? now.base_url : fields.baseUrl?.trim() || null,
    api_key_source: fields.source === undefined ? now.api_key_source : checkSource(fields.source),
    is_active: fields.isActive ?? now.is_active,
    request_headers: headers,
    allow_private_network: fields.allowPrivateNetwork ?? now.allow_private_network,
    is_byok_supported: fields.isByokSupported ?? now.is_byok_supported,
  };
  // An address that was bad before must not keep an administrator from changing something else.
  if (fields.baseUrl !== undefined || fields.allowPrivateNetwork !== undefined)
    checkUrl(slug, columns, upstream.allowHttp);
  return columns;
}

function checkUrl(
  slug: string,
  { base_url, allow_private_network: allowPrivateNetwork }: ProviderColumns,
  allowHttp: readonly string[],
): void {
  if (base_url === null || base_url.trim() === '') {
    if (providerEntry(slug).baseUrl !== undefined) return;
    throw invalid('base_url', `base_url is needed: no address of "${slug}" is known here`);
  }
  if (base_url.length > longestUrl)
    throw invalid('base_url', `base_url must not have more than ${longestUrl} characters`);
  const checked = checkAddress(base_url, 'base_url', { allowHttp, allowPrivateNetwork });
  if ('problem' in checked) throw invalid('base_url', checked.problem);
}

/** @throws KeywardError field_invalid */
export function checkName(text: string, field: string, mostCharacters: number): string {
  const name = text.trim();
  if (name === '' || name.length > mostCharacters)
    throw invalid(field, `${field} must have 1 to ${mostCharacters} characters`);
  if (!plainLine.test(name))
    throw invalid(field, `${field} must not hold control characters or such that turn the direction of text`);
  return name;
}

/** @throws KeywardError field_invalid */
export function checkSlug(slug: string): string {
  if (/^[a-z0-9][a-z0-9-]{0,99}$/.test(slug)) return slug;
  throw invalid(
    'slug',
    'slug must have 1 to 100 lower-case letters, digits and dashes, and not begin with a dash',
  );
}

function checkSource(source: string): string {
  if (sources.includes(source)) return source;
  throw invalid('source', `source must be one of: ${sources.join(', ')}`);
}

function checkHeaders(value: ProviderSettings['requestHeaders']): unknown {
  const read = readRequestHeaders(value);
  if ('problem' in read) throw invalid('request_headers', read.problem);
  return Object.keys(read.headers).length === 0 ? null : read.headers;
}

function invalid(param: string, problem: string): KeywardError {
  return new KeywardError('field_invalid', {
    param,
    message: `${problem.startsWith(param) ? problem : problem.charAt(0).toUpperCase() + problem.slice(1)}. Nothing was changed.`,
  });
}

/** The columns that differ. */
export function changedColumns(before: ProviderColumns, after: ProviderColumns): (keyof ProviderColumns)[] {
  return columnNames.filter((name) => JSON.stringify(before[name]) !== JSON.stringify(after[name]));
}

/** Columns as the audit trail names and shows them; all, or only these. */
export function shownColumns(
  columns: ProviderColumns,
  only: readonly (keyof ProviderColumns)[] = columnNames,
): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    only.map((name) => {
      if (name === 'api_key_source') return ['source', columns.api_key_source];
      if (name === 'base_url') return [name, recordedUrl(columns.base_url)];
      if (name === 'request_headers') return [name, shownHeaders(columns.request_headers)];
      return [name, columns[name]];
    }),
  );
}

const columnNames = [
  'display_name',
  'base_url',
  'api_key_source',
  'is_active',
  'request_headers',
  'allow_private_network',
  'is_byok_supported',
] as const satisfies readonly (keyof ProviderColumns)[];

/** What SQL has put there may hold a password or a key. */
function recordedUrl(text: string | null): string | null {
  if (text === null) return null;
  const url = URL.parse(text.trim());
  return url === null ? 'not a URL' : `${url.protocol}//${url.host}${url.pathname}`;
}

function shownHeaders(value: unknown): unknown {
  if (value === null) return null;
  const read = readRequestHeaders(value);
  return 'problem' in read ? 'unusable' : read.headers;
}
