/**
 * How each provider's key management speaks on the wire: where keys are made, listed, switched off and revoked,
 * in which header the credential travels, how lists come in pages, and what refusals look like. Written from the
 * facts about the providers and not from src/providers, so that each can find the other's mistakes.
 */
import { rotatingKey } from './rotating.ts';
import { json, type WireAnswer } from './stand-in-wires.ts';

export interface MadeKey {
  readonly number: number;
  readonly id: string;
  readonly name: string;
  readonly key: string;
  /** `off` can be taken back. */
  state: 'live' | 'off' | 'archived';
}

type Body = Readonly<Record<string, unknown>>;

/** One page of what is listed, as the query asks for it; `most` is what the stand-in gives at once. */
type Page = (keys: readonly MadeKey[], query: URLSearchParams, most: number) => unknown;

export interface ManagementWire {
  /** Of the base URL. */
  readonly basePath: string;
  readonly credentialHeader: 'authorization' | 'x-api-key';
  readonly neededHeaders?: readonly string[];
  readonly credential: string;
  /** A credential that is known, and may not manage keys. */
  readonly powerless: string;
  readonly parameters: Readonly<Record<string, string>>;
  readonly idOf: (number: number) => string;
  readonly keyOf: (number: number) => string;
  readonly mint?: {
    readonly path: string;
    readonly nameIn: (body: Body) => unknown;
    /** Whether a key that is asked for so may do anything. */
    readonly isOfUse?: (body: Body) => boolean;
    readonly status: number;
    readonly answer: (made: MadeKey) => unknown;
  };
  readonly list?: { readonly path: string; readonly page: Page };
  /** `:id` in the path stands for the number of a key. */
  readonly disable?: {
    readonly method: string;
    readonly path: string;
    readonly asks: (body: Body) => boolean;
  };
  readonly revoke: {
    readonly method: string;
    readonly path: string;
    /** Which key it is, where the path does not say. */
    readonly which?: (body: Body, made: MadeKey) => boolean;
    readonly asks?: (body: Body) => boolean;
    /** It stays on the list. */
    readonly archives?: true;
  };
  readonly spread?: { readonly path: string; readonly answer: (isKnown: boolean) => unknown };
  readonly error: (status: number, message: string) => WireAnswer;
}

const hex = (number: number): string => number.toString(16).padStart(4, '0');
const stretched = (number: number, length: number): string =>
  hex(number)
    .repeat(Math.ceil(length / 4))
    .slice(0, length);
const madeAt = 1_767_225_600;
const madeAtText = '2026-01-01T00:00:00Z';

/** By offset; the next page is asked for by how many were seen. */
const byOffset =
  (item: (made: MadeKey) => unknown): Page =>
  (keys, query, most) => {
    const offset = Number(query.get('offset') ?? 0);
    const shown =
      query.get('include_disabled') === 'true' ? keys : keys.filter(({ state }) => state === 'live');
    return { data: shown.slice(offset, offset + most).map((made) => item(made)) };
  };

/** By the last id of the page before. */
const byCursor =
  (parameter: string, item: (made: MadeKey) => unknown, more: Body = {}): Page =>
  (keys, query, most) => {
    const start = keys.findIndex(({ id }) => id === query.get(parameter)) + 1;
    const limit = Math.min(most, Number(query.get('limit') ?? 20));
    const page = keys.slice(start, start + limit);
    return {
      ...more,
      data: page.map((made) => item(made)),
      first_id: page[0]?.id ?? null,
      last_id: page.at(-1)?.id ?? null,
      has_more: start + limit < keys.length,
    };
  };

/** By a token that stands for the place. */
const byToken =
  (
    { parameter, next }: { readonly parameter: string; readonly next: string },
    item: (made: MadeKey) => unknown,
  ): Page =>
  (keys, query, most) => {
    const start = Number((query.get(parameter) ?? 'at-0').slice('at-'.length));
    const end = start + Math.min(most, Number(query.get('pageSize') ?? 50));
    return {
      apiKeys: keys.slice(start, end).map((made) => item(made)),
      [next]: end < keys.length ? `at-${end}` : '',
    };
  };

const openrouterItem = ({ id: hash, name, key, state }: MadeKey) => ({
  hash,
  name,
  label: `${key.slice(0, 12)}...${key.slice(-3)}`,
  disabled: state === 'off',
  limit: null,
  limit_remaining: null,
  usage: 0,
  created_at: madeAtText,
  updated_at: null,
});

const serviceAccount = ({ id, name }: MadeKey) => ({
  object: 'organization.project.service_account',
  id,
  name,
  role: 'member',
  created_at: madeAt,
});

const anthropicItem = ({ id, name, key, state }: MadeKey) => ({
  type: 'api_key',
  id,
  name,
  workspace_id: null,
  created_at: madeAtText,
  created_by: { id: 'user_standin', type: 'user' },
  partial_key_hint: `${key.slice(0, 16)}...${key.slice(-4)}`,
  status: { live: 'active', off: 'inactive', archived: 'archived' }[state],
});

const xaiItem = ({ id, name, key, state }: MadeKey) => ({
  apiKeyId: id,
  name,
  redactedApiKey: `xai-...${key.slice(-4)}`,
  userId: 'user-standin',
  teamId: 'team-standin',
  createTime: madeAtText,
  modifyTime: madeAtText,
  disabled: state === 'off',
  aclStrings: ['api-key:model:*', 'api-key:endpoint:*'],
});

const fireworksItem = ({ id, name, key }: MadeKey) => ({
  keyId: id,
  displayName: name,
  key: '',
  prefix: key.slice(0, 6),
  createTime: madeAtText,
  secure: true,
  email: 'robot@example.com',
  expireTime: null,
});

/** As gRPC is translated to HTTP. */
const rpcCodes: Readonly<Record<number, number>> = { 401: 16, 403: 7, 404: 5, 429: 8, 500: 13 };

const managementWires = {
  openrouter: {
    basePath: '/api/v1',
    credentialHeader: 'authorization',
    credential: ['sk', 'or', 'v1', 'abcd'.repeat(16)].join('-'),
    powerless: ['sk', 'or', 'v1', 'dcba'.repeat(16)].join('-'),
    parameters: {},
    idOf: (number) => `hash${number}`,
    keyOf: (number) => rotatingKey(0x1000 + number),
    mint: {
      path: '/keys',
      nameIn: ({ name }) => name,
      status: 201,
      answer: (made) => ({ data: openrouterItem(made), key: made.key }),
    },
    list: { path: '/keys', page: byOffset(openrouterItem) },
    disable: { method: 'PATCH', path: '/keys/:id', asks: ({ disabled }) => disabled === true },
    revoke: { method: 'DELETE', path: '/keys/:id' },
    error: (status, message) => json(status, { error: { message, code: status } }),
  },
  openai: {
    basePath: '/v1',
    credentialHeader: 'authorization',
    credential: ['sk', 'admin', 'standin'.repeat(6)].join('-'),
    powerless: ['sk', 'proj', 'powerless'.repeat(5)].join('-'),
    parameters: { project: 'proj_standin' },
    idOf: (number) => `user-sa${number}`,
    keyOf: (number) => ['sk', 'svcacct', stretched(0x2000 + number, 40)].join('-'),
    mint: {
      path: '/organization/projects/proj_standin/service_accounts',
      nameIn: ({ name }) => name,
      status: 200,
      answer: (made) => ({
        ...serviceAccount(made),
        api_key: {
          object: 'organization.project.service_account.api_key',
          id: `key_${made.number}`,
          name: 'Secret Key',
          value: made.key,
          created_at: madeAt,
        },
      }),
    },
    list: {
      path: '/organization/projects/proj_standin/service_accounts',
      page: byCursor('after', serviceAccount, { object: 'list' }),
    },
    revoke: { method: 'DELETE', path: '/organization/projects/proj_standin/service_accounts/:id' },
    error: (status, message) =>
      json(status, {
        error: {
          message,
          type: status === 500 ? 'server_error' : 'invalid_request_error',
          param: null,
          code: status === 401 ? 'invalid_api_key' : null,
        },
      }),
  },
  xai: {
    basePath: '',
    credentialHeader: 'authorization',
    credential: ['xai', 'token', 'standin'.repeat(10)].join('-'),
    powerless: ['xai', 'token', 'powerless'.repeat(8)].join('-'),
    parameters: { team: 'team-standin' },
    idOf: (number) => `0000000${number}-0000-4000-8000-000000000000`,
    keyOf: (number) => ['xai', stretched(0x3000 + number, 80)].join('-'),
    mint: {
      path: '/auth/teams/team-standin/api-keys',
      nameIn: ({ name }) => name,
      isOfUse: ({ acls }) => Array.isArray(acls) && acls.length > 0,
      status: 200,
      answer: (made) => ({ ...xaiItem(made), apiKey: made.key }),
    },
    list: {
      path: '/auth/teams/team-standin/api-keys',
      page: byToken({ parameter: 'paginationToken', next: 'paginationToken' }, xaiItem),
    },
    revoke: { method: 'DELETE', path: '/auth/api-keys/:id' },
    spread: {
      path: '/auth/api-keys/:id/propagation',
      answer: (isKnown) => ({ icPropagation: { 'us-east-1': true, 'eu-west-1': isKnown } }),
    },
    error: (status, error) => json(status, { code: `stand-in:${status}`, error }),
  },
  fireworks: {
    basePath: '',
    credentialHeader: 'authorization',
    credential: ['fw', 'standin'.repeat(5)].join('_'),
    powerless: ['fw', 'powerless'.repeat(4)].join('_'),
    parameters: { account: 'acme', user: 'robot' },
    idOf: (number) => `key-${number}`,
    keyOf: (number) => ['fw', stretched(0x4000 + number, 24)].join('_'),
    mint: {
      path: '/v1/accounts/acme/users/robot/apiKeys',
      nameIn: ({ apiKey }) => (apiKey as Body | undefined)?.['displayName'],
      status: 200,
      answer: (made) => ({ ...fireworksItem(made), key: made.key }),
    },
    list: {
      path: '/v1/accounts/acme/users/robot/apiKeys',
      page: byToken({ parameter: 'pageToken', next: 'nextPageToken' }, fireworksItem),
    },
    revoke: {
      method: 'POST',
      path: '/v1/accounts/acme/users/robot/apiKeys:delete',
      which: ({ keyId }, { id }) => keyId === id,
    },
    error: (status, message) => json(status, { code: rpcCodes[status] ?? 2, message, details: [] }),
  },
  perplexity: {
    basePath: '',
    credentialHeader: 'authorization',
    credential: ['pplx', 'standin'.repeat(7)].join('-').slice(0, 53),
    powerless: ['pplx', 'powerless'.repeat(6)].join('-').slice(0, 53),
    parameters: {},
    idOf: (number) => `token${number}`,
    keyOf: (number) => ['pplx', stretched(0x5000 + number, 48)].join('-'),
    mint: {
      path: '/generate_auth_token',
      nameIn: ({ token_name: name }) => name,
      status: 200,
      answer: ({ key, name }) => ({
        auth_token: key,
        created_at_epoch_seconds: madeAt,
        token_name: name,
      }),
    },
    revoke: {
      method: 'POST',
      path: '/revoke_auth_token',
      which: ({ auth_token: token }, { key }) => token === key,
    },
    error: (status, message) => json(status, { error: { message, type: 'stand_in', code: status } }),
  },
  anthropic: {
    basePath: '/v1',
    credentialHeader: 'x-api-key',
    neededHeaders: ['anthropic-version'],
    credential: ['sk', 'ant', 'admin01', `${'standin'.repeat(14).slice(0, 93)}AA`].join('-'),
    powerless: ['sk', 'ant', 'api03', `${'powerless'.repeat(11).slice(0, 93)}AA`].join('-'),
    parameters: {},
    idOf: (number) => `apikey_${number}`,
    // The hint shows three characters behind the prefix and four at the end.
    keyOf: (number) => ['sk', 'ant', 'api03', `${stretched(number, 91)}${hex(number).slice(-2)}AA`].join('-'),
    list: { path: '/organizations/api_keys', page: byCursor('after_id', anthropicItem) },
    disable: {
      method: 'POST',
      path: '/organizations/api_keys/:id',
      asks: ({ status }) => status === 'inactive',
    },
    revoke: {
      method: 'POST',
      path: '/organizations/api_keys/:id',
      asks: ({ status }) => status === 'archived',
      archives: true,
    },
    error: (status, message) =>
      json(status, {
        type: 'error',
        error: { type: status === 404 ? 'not_found_error' : 'stand_in_error', message },
        request_id: 'req_0123456789',
      }),
  },
} as const satisfies Readonly<Record<string, ManagementWire>>;

export type ManagedSlug = keyof typeof managementWires;

export const managedSlugs = Object.keys(managementWires) as ManagedSlug[];

export function managementWire(slug: ManagedSlug): ManagementWire {
  return managementWires[slug];
}
