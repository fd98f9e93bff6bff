/**
 * One Keyward before one stand-in of OpenRouter, administered over HTTP, for all tests of a suite. Time stands still
 * but for what a test lets pass; two minutes pass between tests.
 */
import { afterAll, afterEach, beforeAll, beforeEach, describe } from 'vitest';
import { usualEngines } from './depth.ts';
import { manualClock, type ManualClock } from './manual-clock.ts';
import { adminToken, startKeyward, type RunningKeyward } from './running-keyward.ts';
import { startStandInProvider, type StandInProvider } from './stand-in-provider.ts';

/** Keys that the stand-in takes: one in the environment of the server, two to store. */
export const environmentKey = ['sk', 'or', 'v1', 'e4e4'.repeat(16)].join('-');
export const firstKey = ['sk', 'or', 'v1', 'fa4e'.repeat(16)].join('-');
export const secondKey = ['sk', 'or', 'v1', 'c0de'.repeat(16)].join('-');
/** A key that the stand-in does not know. */
export const deadKey = ['sk', 'or', 'v1', 'dead'.repeat(16)].join('-');

export interface AdminAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** The body, read as JSON. */
  readonly body: Record<string, unknown>;
  /** The code of an error. */
  readonly code: string | undefined;
}

export interface AdminRequest {
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly token?: string | null;
  readonly signal?: AbortSignal;
}

/** `POST /api/v1/admin/…`, as an administrator. Text is sent as it is. */
export async function callAdmin(
  url: string,
  request: `${string} /${string}`,
  { body, headers = {}, token = adminToken, signal }: AdminRequest = {},
): Promise<AdminAnswer> {
  const [method = 'GET', path = '/'] = request.split(' ');
  const response = await fetch(url + path, {
    method,
    ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    ...(signal !== undefined && { signal }),
    headers: {
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...(token !== null && { authorization: `Bearer ${token}` }),
      ...headers,
    },
  });
  const text = await response.text();
  const isJson = response.headers.get('content-type')?.startsWith('application/json') === true;
  const json = isJson ? (JSON.parse(text) as Record<string, unknown>) : {};
  const error = json['error'] as { code?: string } | undefined;
  return { status: response.status, headers: response.headers, text, body: json, code: error?.code };
}

export interface Administered {
  readonly keyward: RunningKeyward;
  readonly provider: StandInProvider;
  readonly clock: ManualClock;
  readonly call: (request: `${string} /${string}`, options?: AdminRequest) => Promise<AdminAnswer>;
  /** `POST set-key` and so on, of openrouter. */
  readonly onKey: (request: `${string} ${string}`, options?: AdminRequest) => Promise<AdminAnswer>;
}

/** The newest event of those that a request made: the server notes things of its own after its start. */
export async function lastEvent({ keyward }: Administered): Promise<Record<string, unknown>> {
  const [row] = await keyward.sql<{ event: string }>(
    `SELECT event FROM keyward_audit_events
      WHERE event::jsonb ->> 'request_id' IS NOT NULL ORDER BY sequence DESC LIMIT 1`,
  );
  return JSON.parse(row?.event ?? '{}') as Record<string, unknown>;
}

/** A suite for the usual engines. Each test finds openrouter without a stored key, its source environment. */
export function describeAdministered(
  title: string,
  suite: (administered: () => Administered) => void,
  env: Readonly<Record<string, string>> = {},
): void {
  describe.each(usualEngines)(`${title} (%s)`, (engine) => {
    let started: Administered | undefined;
    const here = (): Administered => {
      if (started === undefined) throw new Error('this is there only while a test runs');
      return started;
    };
    beforeAll(async () => {
      const clock = manualClock();
      const provider = await startStandInProvider({ keys: [environmentKey, firstKey, secondKey] });
      const keyward = await startKeyward({
        engine,
        clock,
        env: { OPENROUTER_API_KEY: environmentKey, OPENROUTER_BASE_URL: provider.baseUrl, ...env },
      });
      const call: Administered['call'] = async (request, options) =>
        callAdmin(keyward.server.url, request, options);
      const onKey: Administered['onKey'] = async (request, options) => {
        const [method, act] = request.split(' ');
        return call(`${method ?? ''} /api/v1/admin/providers/openrouter/${act ?? ''}`, options);
      };
      started = { keyward, provider, clock, call, onKey };
    });
    beforeEach(async () => {
      here().provider.behave({});
      here().provider.setKeys([environmentKey, firstKey, secondKey]);
      await here().keyward.setProvider('openrouter', {
        encrypted_api_key: null,
        api_key_source: 'environment',
        is_active: true,
      });
    });
    afterEach(() => here().clock.pass(120_000));
    afterAll(async () => {
      await started?.keyward.stop();
      await started?.provider.close();
    });
    suite(here);
  });
}
