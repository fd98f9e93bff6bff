/**
 * Turns whatever went wrong with a request into an error of the catalogue: what Fastify refuses by itself,
 * what does not fit a route's schema, a database that is gone. Nothing that was sent is repeated but names.
 */
import { hasZodFastifySchemaValidationErrors } from 'fastify-type-provider-zod';
import { isDatabaseUnavailable } from '../database/database-fault.ts';
import { codeOf, KeywardError, type ErrorCode } from '../foundation/errors.ts';
import { headerTitle, shownName } from './shown-name.ts';

/** Largest body that the admin API reads, in bytes. */
export const maxAdminBodyBytes = 1024 * 1024;

export function toKeywardError(failure: unknown): KeywardError {
  if (failure instanceof KeywardError) return failure;
  if (hasZodFastifySchemaValidationErrors(failure)) {
    const place = placeOf(failure.validationContext);
    return faultOf(place, failure.validation[0] as unknown as Issue);
  }
  const code = frameworkCodes[codeOf(failure)];
  if (code !== undefined) return new KeywardError(code, { ...detailsOf(code), cause: failure });
  if (isDatabaseUnavailable(failure)) return new KeywardError('database_unavailable', { cause: failure });
  const httpStatus = (failure as { statusCode?: number }).statusCode ?? 500;
  if (failure instanceof SyntaxError && httpStatus === 400) {
    return new KeywardError('invalid_json', { cause: failure });
  }
  return new KeywardError(httpStatus >= 400 && httpStatus < 500 ? 'malformed_request' : 'internal_error', {
    cause: failure,
  });
}

/** What Fastify refuses before a route is asked. */
const frameworkCodes: Readonly<Record<string, ErrorCode>> = {
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'unsupported_media_type',
  FST_ERR_CTP_BODY_TOO_LARGE: 'body_too_large',
  FST_ERR_CTP_EMPTY_JSON_BODY: 'empty_body',
  FST_ERR_CTP_INVALID_JSON_BODY: 'invalid_json',
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: 'body_aborted',
  FST_ERR_BAD_URL: 'malformed_request',
};

function detailsOf(code: ErrorCode): { message?: string } {
  if (code === 'body_too_large')
    return { message: `The request body is larger than ${maxAdminBodyBytes} bytes.` };
  return {};
}

type Place = 'body' | 'query' | 'path' | 'headers';

/** As fastify-type-provider-zod hands on an issue of zod. */
interface Issue {
  readonly keyword: string;
  readonly instancePath: string;
  readonly message: string;
  readonly params: {
    readonly expected?: string;
    readonly values?: readonly unknown[];
    readonly keys?: readonly string[];
    readonly minimum?: number;
    readonly maximum?: number;
    readonly origin?: string;
    /** What is wrong with a name in a map. */
    readonly issues?: readonly { readonly message: string }[];
  };
}

function placeOf(context: string | undefined): Place {
  if (context === 'body' || context === 'headers') return context;
  return context === 'params' ? 'path' : 'query';
}

const codes: Readonly<Record<Place, { invalid: ErrorCode; unknown: ErrorCode }>> = {
  body: { invalid: 'field_invalid', unknown: 'field_unknown' },
  query: { invalid: 'parameter_invalid', unknown: 'parameter_unknown' },
  path: { invalid: 'parameter_invalid', unknown: 'parameter_unknown' },
  headers: { invalid: 'header_invalid', unknown: 'header_invalid' },
};

const nouns: Readonly<Record<Place, string>> = {
  body: 'field',
  query: 'parameter',
  path: 'parameter',
  headers: 'header',
};

function faultOf(place: Place, issue: Issue): KeywardError {
  const noun = nouns[place];
  if (issue.keyword === 'unrecognized_keys') {
    const name = shownName(issue.params.keys?.[0] ?? '');
    const what =
      name === null
        ? `A ${noun} is not known here; its name is not repeated`
        : `There is no ${noun} "${name}" here`;
    return new KeywardError(codes[place].unknown, {
      message: `${what}.${place === 'body' ? ' Nothing was changed.' : ''}`,
      ...(name === null ? {} : { param: name }),
    });
  }
  if (place === 'body' && issue.instancePath === '/') return new KeywardError(bodyCode(issue));
  // The name of a header or of an entry of a map was chosen by the caller.
  const path = shownName(issue.instancePath.slice(1).replaceAll('/', '.'));
  const name = place === 'headers' && path !== null ? headerTitle(path) : path;
  return new KeywardError(codes[place].invalid, {
    message: `The ${noun}${name === null ? '' : ` "${name}"`} ${mustBe(issue)}.`,
    ...(name === null ? {} : { param: name }),
  });
}

function bodyCode({ message }: Issue): ErrorCode {
  return message.endsWith('received undefined') || message.endsWith('received null')
    ? 'empty_body'
    : 'body_not_object';
}

/** Schemas say what a value must be in words that go on after its name; zod's own words are put so. */
function mustBe({ keyword, message, params }: Issue): string {
  if (message.startsWith('must ')) return message;
  switch (keyword) {
    case 'invalid_type':
      if (message.endsWith('received undefined')) return 'is required';
      if (message.endsWith('received array')) return `must stand once and be ${withArticle(params.expected)}`;
      return `must be ${withArticle(params.expected)}`;
    case 'invalid_value':
      return `must be one of: ${(params.values ?? []).map(String).join(', ')}`;
    case 'invalid_key':
      return params.issues?.[0]?.message ?? 'must not have such names';
    case 'too_small':
      return `must ${params.origin === 'number' || params.origin === 'int' ? 'be' : 'have'} at least ${params.minimum}${unitOf(params.origin)}`;
    case 'too_big':
      return `must ${params.origin === 'number' || params.origin === 'int' ? 'be' : 'have'} at most ${params.maximum}${unitOf(params.origin)}`;
    default:
      return 'is not as it must be';
  }
}

function withArticle(type = 'value'): string {
  const word = type === 'int' ? 'integer' : type === 'record' ? 'object' : type;
  return `${/^[aeiou]/.test(word) ? 'an' : 'a'} ${word}`;
}

function unitOf(origin: string | undefined): string {
  if (origin === 'string') return ' characters';
  return origin === 'array' || origin === 'object' || origin === 'record' ? ' entries' : '';
}
