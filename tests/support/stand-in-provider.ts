/**
 * A provider on loopback: a real HTTP server that takes chats and key tests as the chosen provider does,
 * records every request to the byte, and misbehaves on demand. No call ever leaves the machine.
 */
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Behaviour, Ending } from './stand-in-behaviour.ts';
import { chatCompletion, chatEvents, readChatRequest } from './stand-in-chat.ts';
import { type Answer, endedEarly, Exchange, type Release } from './stand-in-exchange.ts';
import { nativeAnswer } from './stand-in-native.ts';
import { surfaceAnswer } from './stand-in-surface.ts';
import { json, refusalOf, type Standing, type Wire, wireOf } from './stand-in-wires.ts';

export interface StandInOptions {
  /** Whose wire to speak; `openrouter` where absent, OpenAI's for slugs without one of their own. */
  readonly slug?: string;
  /** The keys that are good. */
  readonly keys: readonly string[];
  /** The path of the base URL; the provider's own where absent. Any prefix may stand before it in requests. */
  readonly basePath?: string;
  /** 0, a free one, where absent. */
  readonly port?: number;
  /** Every chat with a good key gets the same answer, nothing is parsed or recorded: for benchmarks. */
  readonly fixedAnswer?: boolean;
}

interface RecordedRequest {
  readonly method: string;
  /** With the query. */
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  /** Names and values in turn, as they were sent. */
  readonly rawHeaders: readonly string[];
  readonly body: Buffer;
}

export async function startStandInProvider(options: StandInOptions): Promise<StandInProvider> {
  const standIn = new StandInProvider(options);
  await standIn.listen(options.port ?? 0);
  return standIn;
}

class StandInProvider {
  /** In the order in which they arrived whole. */
  readonly requests: RecordedRequest[] = [];
  readonly #wire: Wire;
  readonly #basePath: string;
  readonly #fixedAnswer: Buffer | undefined;
  readonly #server: Server;
  readonly #standings = new Map<string, Standing>();
  readonly #stalled = new Set<Release>();
  readonly #waiting = new Set<() => void>();
  #behaviour: Behaviour = {};
  #behavedFor = 0;
  #disconnects = 0;
  #chats = 0;

  constructor({ slug = 'openrouter', keys, basePath, fixedAnswer = false }: StandInOptions) {
    this.#wire = wireOf(slug);
    this.#basePath = basePath ?? this.#wire.basePath;
    this.setKeys(keys);
    if (fixedAnswer) {
      const request = readChatRequest(Buffer.from('{"model":"stand-in-model"}'));
      this.#fixedAnswer = Buffer.from(
        chatCompletion('chatcmpl-fixed', request, { reply: 'A fixed answer.' }),
      );
    }
    this.#server = createServer({ keepAliveTimeout: 60_000, requestTimeout: 0 }, (request, response) => {
      if (this.#fixedAnswer === undefined) this.#receive(request, response);
      else this.#receiveFast(request, response, this.#fixedAnswer);
    });
  }

  async listen(port: number): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#server.once('error', reject).listen(port, '127.0.0.1', resolve);
    await promise;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get origin(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  get baseUrl(): string {
    return this.origin + this.#basePath;
  }

  /** These keys are good; all others are forgotten. */
  setKeys(keys: readonly string[]): void {
    this.#standings.clear();
    for (const key of keys) this.#standings.set(key, 'good');
  }

  setStanding(key: string, standing: Standing): void {
    this.#standings.set(key, standing);
  }

  standingOf(key: string): Standing {
    return this.#standings.get(key) ?? 'unknown';
  }

  /** From now on the key is unknown here. */
  revoke(key: string): void {
    this.#standings.delete(key);
  }

  /** In the place of the behaviour before; `{}` is the good one. */
  behave(behaviour: Behaviour): void {
    this.#behaviour = behaviour;
    this.#behavedFor = 0;
  }

  /** Lets every stalled answer go on, or end. */
  release(how: Ending | 'rest'): void {
    for (const goOn of this.#stalled) goOn(how);
    this.#stalled.clear();
  }

  /** Settles when so many requests have arrived whole since the start, with the last of these. */
  async waitForRequest(count = 1): Promise<RecordedRequest> {
    await this.#until(() => this.requests.length >= count);
    return this.requests[count - 1] as RecordedRequest;
  }

  /** How many clients have left before their answer was complete. */
  get disconnects(): number {
    return this.#disconnects;
  }

  /** Settles when there have been so many of them. */
  async waitForDisconnect(count = 1): Promise<void> {
    await this.#until(() => this.#disconnects >= count);
  }

  /** Settles when so many answers stall. */
  async waitForStall(count = 1): Promise<void> {
    await this.#until(() => this.#stalled.size >= count);
  }

  async close(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#server.close(() => resolve());
    this.#server.closeAllConnections();
    await promise;
  }

  #receiveFast(request: IncomingMessage, response: ServerResponse, answer: Buffer): void {
    request.resume().once('end', () => {
      const good = this.#standings.get(bearerOf(request.headers)) === 'good';
      const { status, body } = good ? { status: 200, body: answer } : this.#wire.chatRefusals.unknown;
      response
        .writeHead(status, { 'content-type': 'application/json', 'content-length': body.length })
        .end(body);
    });
  }

  #receive(request: IncomingMessage, response: ServerResponse): void {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.once('end', () => {
      const { method = '', url: path = '', headers, rawHeaders } = request;
      const received = { method, path, headers, rawHeaders, body: Buffer.concat(parts) };
      this.requests.push(received);
      this.#changed();
      void this.#answer(received, new Exchange(response, this.#stalled, () => this.#changed()));
    });
    response.once('close', () => {
      if (response.writableFinished || endedEarly(response)) return;
      this.#disconnects += 1;
      this.#changed();
    });
  }

  async #answer(request: RecordedRequest, exchange: Exchange): Promise<void> {
    const behaviour = this.#behaviourFor(request);
    if (behaviour.lagMs !== undefined) await exchange.lag(behaviour.lagMs);
    if (behaviour.insteadOfHeaders !== undefined) {
      const ending = await exchange.stallOr(behaviour.insteadOfHeaders);
      if (ending !== 'rest') return exchange.end(ending);
    }
    const key = this.#keyOf(request);
    const { body, ...answer } = behaviour.answer ?? this.#usualAnswer(request, key, behaviour);
    const pieces = typeof body === 'string' ? [fill(body, key)] : body;
    await exchange.send(answer, pieces, request.headers, behaviour);
  }

  #behaviourFor(request: RecordedRequest): Behaviour {
    const { requests = Infinity, on } = this.#behaviour;
    if (on !== undefined && (on === 'chat') !== isChat(request)) return {};
    this.#behavedFor += 1;
    return this.#behavedFor <= requests ? this.#behaviour : {};
  }

  #keyOf({ headers, ...request }: RecordedRequest): string {
    const { keyHeader } = this.#wire.test;
    if (isChat(request) || keyHeader === 'authorization') return bearerOf(headers);
    return String(headers[keyHeader] ?? bearerOf(headers));
  }

  #usualAnswer(request: RecordedRequest, key: string, behaviour: Behaviour): Answer {
    const standing = this.standingOf(key);
    if (request.headers['content-encoding'] !== undefined) return unsupportedEncoding;
    if (isChat(request)) {
      if (standing === 'lists_only') return refusalOf(this.#wire.chatRefusals, 'restricted');
      if (standing !== 'good') return refusalOf(this.#wire.chatRefusals, standing);
      return this.#chat(request, behaviour);
    }
    const { test, modelsArePublic } = this.#wire;
    const path = request.path.split('?', 1)[0] ?? '';
    if (request.method === test.method && path.endsWith(test.path)) {
      const missing = test.neededHeaders?.find((name) => request.headers[name] === undefined);
      if (missing !== undefined) return json(400, { error: { message: `${missing}: header is required` } });
      return standing === 'good' || standing === 'lists_only'
        ? test.good
        : refusalOf(test.refusals, standing);
    }
    if (modelsArePublic && request.method === 'GET' && path.endsWith('/models')) return publicModels;
    const other = nativeAnswer({ ...request, path }) ?? surfaceAnswer({ ...request, path });
    if (other !== undefined) {
      if (standing === 'good') return other;
      return refusalOf(test.refusals, standing === 'lists_only' ? 'restricted' : standing);
    }
    return json(404, {
      error: { message: `Unknown request URL: ${request.method} ${path}`, code: 'unknown_url' },
    });
  }

  #chat(request: RecordedRequest, behaviour: Behaviour): Answer {
    const chat = readChatRequest(request.body);
    this.#chats += 1;
    const id = `chatcmpl-stand-in-${this.#chats}`;
    return chat.stream
      ? { status: 200, contentType: 'text/event-stream', body: chatEvents(id, chat, behaviour) }
      : { status: 200, body: [chatCompletion(id, chat, behaviour)] };
  }

  async #until(condition: () => boolean): Promise<void> {
    while (!condition()) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#waiting.add(resolve);
      await promise;
    }
  }

  #changed(): void {
    for (const goOn of this.#waiting) goOn();
    this.#waiting.clear();
  }
}

export type { StandInProvider };

const publicModels = json(200, { data: [{ id: 'stand-in-model' }] });
const unsupportedEncoding = json(415, { error: { message: 'Compressed requests are not supported.' } });

function isChat({ method, path }: Pick<RecordedRequest, 'method' | 'path'>): boolean {
  return method === 'POST' && path.split('?', 1)[0]?.endsWith('/chat/completions') === true;
}

function bearerOf(headers: IncomingHttpHeaders): string {
  return headers.authorization?.replace(/^Bearer /i, '') ?? '';
}

/** Puts the presented key where an answer echoes it, whole or masked. */
function fill(body: string, key: string): string {
  return body
    .replaceAll('{masked key}', () => `${key.slice(0, 5)}***${key.slice(-4)}`)
    .replaceAll('{key}', () => JSON.stringify(key).slice(1, -1));
}
