/**
 * The one way from the page to the admin API. A change carries the token that shows that it comes from the
 * page, and a name of its own, so that a repeated one is done once. Every failure is an ApiError.
 */
import createClient, { type Middleware } from 'openapi-fetch';
import type { paths } from './schema.ts';

export class ApiError extends Error {
  override readonly name = 'ApiError';
  /** 0 where no answer came. */
  readonly status: number;
  /** As docs/errors.md lists them; `offline` where no answer came. */
  readonly code: string;
  readonly param: string | null;
  /** When it may be asked again, in milliseconds since 1970, as Retry-After says; null where it does not. */
  readonly retryAt: number | null;
  /** When it was known here, in milliseconds since 1970. */
  readonly at = Date.now();

  constructor(
    status: number,
    code: string,
    message: string,
    { param = null, retryAt = null }: Partial<Pick<ApiError, 'param' | 'retryAt'>> = {},
  ) {
    super(message);
    this.status = status;
    this.code = code;
    this.param = param;
    this.retryAt = retryAt;
  }

  /** No answer of Keyward came: what was asked for may have been done or not. */
  get isLost(): boolean {
    return this.status === 0 || (this.status >= 502 && this.code === 'unknown');
  }
}

/** What the gateway says to a caller: its refusals are about a gateway token, and say nothing of who is signed in. */
export class GatewayError extends ApiError {}

let csrfToken: string | null = null;

/** Kept in memory alone: whoever loads the page anew asks for it anew. */
export function rememberCsrfToken(token: string | null): void {
  csrfToken = token;
}

const isRead = ({ method }: Request): boolean => method === 'GET' || method === 'HEAD';

const asThePage: Middleware = {
  onRequest({ request, schemaPath }) {
    if (isRead(request)) return;
    if (csrfToken !== null) request.headers.set('x-csrf-token', csrfToken);
    if (schemaPath !== '/api/v1/admin/session' || request.method !== 'POST')
      request.headers.set('idempotency-key', crypto.randomUUID());
  },
};

export const api = createClient<paths>({ baseUrl: '/', credentials: 'same-origin' });
api.use(asThePage);

interface Page<Entry> {
  readonly data: readonly Entry[];
  readonly next_cursor: string | null;
}

/** A list to its end, page by page. */
export async function readAll<Entry>(
  readPage: (cursor: string | undefined) => Promise<Page<Entry>>,
): Promise<Entry[]> {
  const all: Entry[] = [];
  for (let cursor: string | undefined; ;) {
    const page = await readPage(cursor);
    all.push(...page.data);
    if (page.next_cursor === null) return all;
    cursor = page.next_cursor;
  }
}

interface Answer<T> {
  readonly data?: T;
  readonly error?: unknown;
  readonly response: Response;
}

/**
 * What an answer holds.
 * @throws ApiError for every other outcome
 */
export async function read<T>(asked: Promise<Answer<T>>): Promise<T> {
  let answer: Answer<T>;
  try {
    answer = await asked;
  } catch {
    throw new ApiError(0, 'offline', 'Keyward does not answer.');
  }
  if (answer.response.ok) return answer.data as T;
  throw errorIn(answer.response, answer.error);
}

/** What an answer that is no good says of itself. @param body as it was parsed, whatever that gave */
export function errorIn(
  { status, headers }: Response,
  body: unknown,
  Kind: typeof ApiError = ApiError,
): ApiError {
  const told = (
    body as { error?: { message?: string; code?: string; param?: string | null } } | null | undefined
  )?.error;
  const seconds = Number(headers.get('retry-after') ?? Number.NaN);
  return new Kind(
    status,
    told?.code ?? 'unknown',
    told?.message ?? `Keyward answered with status ${status}.`,
    {
      param: told?.param ?? null,
      retryAt: Number.isFinite(seconds) ? Date.now() + seconds * 1_000 : null,
    },
  );
}
