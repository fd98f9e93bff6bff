/**
 * Reads whatever came back from a provider, whole or broken, into the few things that rules ask about.
 * It never throws.
 */

/** Longer bodies are not parsed: the longest list of models seen is below one megabyte. */
const longestParsedBody = 8 * 1024 * 1024;
/** Reasons stand at the beginning; searching more only costs time. */
const searchedLength = 64 * 1024;
/** Google puts several details into an error; nobody sends more than a handful. */
const mostDetails = 32;

/** An answer as it arrived. */
export interface ProviderAnswer {
  readonly status: number;
  /** Names in lower case. Absent means that nothing is known of them. */
  readonly headers?: Readonly<Record<string, string | readonly string[] | undefined>>;
  /** Decoded; may be cut off. */
  readonly body: string;
}

export interface ReadAnswer {
  readonly status: number;
  readonly isPage: boolean;
  /** The beginning of the body, for patterns. */
  readonly text: string;
  /** Undefined where the body is no whole JSON. */
  readonly json: unknown;
  /** What stands where providers put codes, outermost first. */
  readonly codes: readonly string[];
  /** The value of a header, several as one list; undefined where there is none. */
  header(name: string): string | undefined;
}

export function readAnswer({ status, headers = {}, body }: ProviderAnswer): ReadAnswer {
  const header = (name: string): string | undefined => {
    const value = headers[name];
    return typeof value === 'object' ? value.join(', ') : value;
  };
  const isMarkup = /^\s*<(?:!doctype|!--|html|head|body|\?xml)/i.test(body.slice(0, 1024));
  const json = isMarkup ? undefined : parse(body);
  // Some APIs send JSON as text/html, so the label counts only where the body is none.
  const isPage = isMarkup || (json === undefined && /^\s*text\/html\b/i.test(header('content-type') ?? ''));
  return { status, isPage, text: body.slice(0, searchedLength), json, codes: codesIn(json), header };
}

/** The value at a dotted path of own properties; the empty path is the value itself. */
export function valueAt(value: unknown, path: string): unknown {
  if (path === '') return value;
  let current = value;
  for (const name of path.split('.')) {
    if (!isRecord(current) || !Object.hasOwn(current, name)) return undefined;
    current = current[name];
  }
  return current;
}

function parse(body: string): unknown {
  if (body.length > longestParsedBody) return undefined;
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}

/**
 * The places where codes stand: `{error:{code,type,status}}` (OpenAI, Anthropic, Google), Google's
 * `details[].reason`, Google's compatible path which wraps its error into an array, and `{code,error}` (xAI).
 */
function codesIn(json: unknown): readonly string[] {
  const body: unknown = Array.isArray(json) ? json[0] : json;
  if (!isRecord(body)) return [];
  const error = isRecord(body['error']) ? body['error'] : {};
  const details = Array.isArray(error['details']) ? error['details'].slice(0, mostDetails) : [];
  const reasons = details.map((detail) => valueAt(detail, 'reason'));
  const candidates = [error['code'], ...reasons, error['status'], error['type'], body['code'], body['type']];
  return candidates.filter((code): code is string => typeof code === 'string');
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
