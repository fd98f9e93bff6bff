/**
 * The key management of a provider on loopback: makes, lists, switches off and revokes keys, which the stand-in
 * provider then takes or refuses. It fails on demand, and can stop at any point of a call and leave it unanswered.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  managementWire,
  type MadeKey,
  type ManagedSlug,
  type ManagementWire,
} from './stand-in-management-wires.ts';
import type { StandInProvider } from './stand-in-provider.ts';
import type { WireAnswer } from './stand-in-wires.ts';

export const managementPoints = [
  'mint.arrived',
  'mint.made',
  'mint.answered',
  'disable.arrived',
  'disable.done',
  'revoke.arrived',
  'revoke.done',
] as const;

export type ManagementPoint = (typeof managementPoints)[number];

export type ManagementAct = 'mint' | 'list' | 'disable' | 'revoke' | 'spread';

/** What a call comes to instead: an answer of that status, or a connection that breaks off. */
export type Failure =
  | { readonly status: number; readonly retryAfter?: number }
  /** Before anything is done, after it, or within the answer. */
  | 'reset at once'
  | 'reset when done'
  | 'cut off';

export const managementKey = managementWire('openrouter').credential;

export class StandInManagement {
  readonly wire: ManagementWire;
  readonly #keys = new Map<string, MadeKey>();
  readonly #provider: StandInProvider;
  readonly #server: Server;
  readonly #failures = new Map<ManagementAct, { how: Failure; times: number }>();
  /** How often a key must still be missing on the list, or be asked about, before it shows. */
  readonly #hiddenFor = new Map<string, number>();
  readonly #spreadIn = new Map<string, number>();
  #stopAt: { readonly point: ManagementPoint; readonly reached: () => void } | undefined;
  #made = 0;
  #mostOnPage = 100;
  #lag: { readonly listings: number; readonly asked: number } = { listings: 0, asked: 0 };
  #goOn: () => void = () => undefined;
  #callerIsDead: () => boolean = () => false;

  constructor(provider: StandInProvider, slug: ManagedSlug = 'openrouter') {
    this.wire = managementWire(slug);
    this.#provider = provider;
    this.#server = createServer((request, response) => {
      let body = '';
      request.on('data', (part: Buffer) => (body += part.toString()));
      request.on('end', () => this.#answer(request, body, response));
    });
  }

  async listen(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
  }

  get baseUrl(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}${this.wire.basePath}`;
  }

  /** The next call that comes to this point is left there. */
  async stopAt(point: ManagementPoint): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#stopAt = { point, reached: resolve };
    return promise;
  }

  /** What was left at a point is answered after all. */
  goOn(): void {
    this.#goOn();
  }

  /** Calls of this kind fail so from now on, or so many times; `null` ends that. */
  fail(act: ManagementAct, how: Failure | null, times = Infinity): void {
    if (how === null) this.#failures.delete(act);
    else this.#failures.set(act, { how, times });
  }

  /** Asked when a call arrives and when it is done: a dead caller hears nothing, and asks for nothing. */
  askAboutCaller(isDead: () => boolean): void {
    this.#callerIsDead = isDead;
  }

  /** Whether disabling and revoking fail from now on, and do nothing. */
  refuseToRevoke(refuses: boolean): void {
    for (const act of ['disable', 'revoke'] as const) this.fail(act, refuses ? { status: 500 } : null);
  }

  /** So many keys at most come on one page. */
  setPage(most: number): void {
    this.#mostOnPage = most;
  }

  /** What is made from now on is missing on so many lists, and has not spread for so many questions. */
  lag(lag: { readonly listings?: number; readonly asked?: number }): void {
    this.#lag = { listings: 0, asked: 0, ...lag };
  }

  /** Names of the keys that live, in their order. */
  get live(): string[] {
    return [...this.#keys.values()].filter(({ state }) => state === 'live').map(({ name }) => name);
  }

  /** How many keys are there at all, the ones that are off included. */
  get count(): number {
    return [...this.#keys.values()].filter(({ state }) => state !== 'archived').length;
  }

  /** A key that a person made, of which Keyward knows nothing. */
  addForeign(name: string): string {
    return this.#make(name, true).key;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  #make(name: string, isOfUse: boolean): MadeKey {
    const number = (this.#made += 1);
    const made: MadeKey = {
      number,
      id: this.wire.idOf(number),
      name,
      key: this.wire.keyOf(number),
      state: 'live',
    };
    this.#keys.set(made.id, made);
    this.#hiddenFor.set(made.id, this.#lag.listings);
    this.#spreadIn.set(made.id, this.#lag.asked);
    if (this.#lag.asked === 0) this.#provider.setStanding(made.key, isOfUse ? 'good' : 'restricted');
    return made;
  }

  #answer(request: IncomingMessage, text: string, response: ServerResponse): void {
    const url = new URL(request.url ?? '', 'http://stand-in');
    const body = text === '' ? {} : (JSON.parse(text) as Record<string, unknown>);
    const send = ({ status, body: answer }: WireAnswer): void =>
      void response.writeHead(status, { 'content-type': 'application/json' }).end(answer);
    const refusal = this.#refusalOf(request);
    if (refusal !== null) return send(refusal);
    const called = this.#calledBy(request.method ?? '', url, body);
    if (called === null) return send(this.wire.error(404, 'There is no such address.'));
    const { act, run } = called;
    const how = this.#failureOf(act);
    if (how !== null && typeof how === 'object') {
      if (how.retryAfter !== undefined) response.setHeader('retry-after', String(how.retryAfter));
      return send(this.wire.error(how.status, 'Not now.'));
    }
    if (how === 'reset at once' || this.#callerIsDead()) return void response.destroy();
    if (act !== 'list' && act !== 'spread' && this.#stops(`${act}.arrived`)) return undefined;
    const answer = run();
    if (how === 'reset when done' || this.#callerIsDead()) return void response.destroy();
    if (how === 'cut off') return cutOff(response, answer);
    if (act === 'disable' || act === 'revoke') return this.#stops(`${act}.done`) ? undefined : send(answer);
    if (act !== 'mint') return send(answer);
    this.#goOn = () => send(answer);
    if (this.#stops('mint.made')) return undefined;
    send(answer);
    this.#stops('mint.answered');
    return undefined;
  }

  #refusalOf({ headers }: IncomingMessage): WireAnswer | null {
    const { credentialHeader, neededHeaders = [], credential, powerless, error } = this.wire;
    const presented = String(headers[credentialHeader] ?? '');
    const prefix = credentialHeader === 'authorization' ? 'Bearer ' : '';
    if (neededHeaders.some((name) => headers[name] === undefined)) return error(400, 'A header is missing.');
    if (presented === prefix + powerless) return error(403, 'This key may not manage keys.');
    return presented === prefix + credential ? null : error(401, 'This key is not known.');
  }

  #calledBy(
    method: string,
    { pathname, searchParams }: URL,
    body: Record<string, unknown>,
  ): { act: ManagementAct; run: () => WireAnswer } | null {
    const { basePath, mint, list, disable, revoke, spread } = this.wire;
    const path = pathname.slice(basePath.length);
    if (!pathname.startsWith(basePath)) return null;
    if (mint !== undefined && method === 'POST' && path === mint.path)
      return { act: 'mint', run: () => this.#mint(mint, body) };
    if (list !== undefined && method === 'GET' && path === list.path)
      return {
        act: 'list',
        run: () => ok(list.page(this.#listed(searchParams), searchParams, this.#mostOnPage)),
      };
    const found = (pattern: string): MadeKey | undefined =>
      [...this.#keys.values()].find(({ id }) => path === pattern.replace(':id', encodeURIComponent(id)));
    const fits = (pattern: string): boolean => {
      const [head = '', tail] = pattern.split(':id');
      if (tail === undefined) return path === pattern;
      return (
        path.startsWith(head) &&
        path.endsWith(tail) &&
        !path.slice(head.length, -tail.length || undefined).includes('/')
      );
    };
    if (spread !== undefined && method === 'GET' && fits(spread.path))
      return { act: 'spread', run: () => this.#spread(spread, found(spread.path)) };
    if (disable !== undefined && method === disable.method && fits(disable.path) && disable.asks(body))
      return { act: 'disable', run: () => this.#end(found(disable.path), 'off') };
    if (method !== revoke.method || !fits(revoke.path) || revoke.asks?.(body) === false) return null;
    const { which } = revoke;
    const meant = which ? [...this.#keys.values()].find((made) => which(body, made)) : found(revoke.path);
    return { act: 'revoke', run: () => this.#end(meant, revoke.archives ? 'archived' : 'gone') };
  }

  #mint(mint: NonNullable<ManagementWire['mint']>, body: Record<string, unknown>): WireAnswer {
    const name = mint.nameIn(body);
    if (typeof name !== 'string' || name === '') return this.wire.error(400, 'A name is missing.');
    const made = this.#make(name, mint.isOfUse?.(body) ?? true);
    return { status: mint.status, body: JSON.stringify(mint.answer(made)) };
  }

  #listed(query: URLSearchParams): MadeKey[] {
    const isFirstPage = !pageParameters.some((name) => query.has(name));
    return [...this.#keys.values()].filter(({ id }) => {
      const hiddenFor = (this.#hiddenFor.get(id) ?? 0) - (isFirstPage ? 1 : 0);
      this.#hiddenFor.set(id, hiddenFor);
      return hiddenFor < 0;
    });
  }

  #spread({ answer }: NonNullable<ManagementWire['spread']>, made: MadeKey | undefined): WireAnswer {
    if (made === undefined) return this.wire.error(404, 'There is no such key.');
    const still = this.#spreadIn.get(made.id) ?? 0;
    this.#spreadIn.set(made.id, still - 1);
    if (still === 1) this.#provider.setStanding(made.key, 'good');
    return ok(answer(still <= 0));
  }

  #end(made: MadeKey | undefined, as: 'off' | 'archived' | 'gone'): WireAnswer {
    if (made === undefined) return this.wire.error(404, 'There is no such key.');
    this.#provider.revoke(made.key);
    if (as === 'gone') this.#keys.delete(made.id);
    else made.state = as;
    return ok({});
  }

  #failureOf(act: ManagementAct): Failure | null {
    const failure = this.#failures.get(act);
    if (failure === undefined || failure.times <= 0) return null;
    failure.times -= 1;
    return failure.how;
  }

  #stops(point: ManagementPoint): boolean {
    if (this.#stopAt?.point !== point) return false;
    const { reached } = this.#stopAt;
    this.#stopAt = undefined;
    reached();
    return true;
  }
}

/** A whole list is one listing, on however many pages it comes. */
const pageParameters = ['offset', 'after', 'after_id', 'pageToken', 'paginationToken'];

function ok(value: unknown): WireAnswer {
  return { status: 200, body: JSON.stringify(value) };
}

/** The connection ends within the answer, so that its reader has half of it. */
function cutOff(response: ServerResponse, { status, body }: WireAnswer): void {
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
  });
  response.write(body.slice(0, Math.floor(body.length / 2)), () => response.destroy());
}
