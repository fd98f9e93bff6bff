/** Receivers of alerts that behave as they are told: an HTTP server, and a real SMTP server before which anything can go wrong. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import {
  createServer as createTcpServer,
  type AddressInfo,
  type Server as TcpServer,
  type Socket,
} from 'node:net';
import { SMTPServer, type SMTPServerOptions } from 'smtp-server';

export interface PostedMessage {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** What the server does with a request that it has read. */
type Answer = (response: ServerResponse, request: IncomingMessage) => void;

export class HttpReceiver {
  readonly received: PostedMessage[] = [];
  answer: Answer = (response) => response.writeHead(204).end();
  readonly #server: Server;

  constructor() {
    this.#server = createServer((request, response) => {
      let body = '';
      request.on('data', (chunk: Buffer) => {
        body += chunk.toString();
      });
      request.on('end', () => {
        this.received.push({ headers: request.headers as Record<string, string>, body });
        this.answer(response, request);
      });
    });
  }

  async listen(): Promise<this> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return this;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}/hook`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

export interface ReceivedMail {
  readonly from: string;
  readonly to: readonly string[];
  readonly text: string;
  readonly secure: boolean;
  readonly user: string | undefined;
}

/** A whole SMTP server; what it is told to do differently goes first. */
export class MailReceiver {
  readonly received: ReceivedMail[] = [];
  readonly #server: SMTPServer;

  constructor(options: SMTPServerOptions = {}) {
    this.#server = new SMTPServer({
      authOptional: true,
      disabledCommands: options.key === undefined ? ['STARTTLS'] : [],
      onData: (stream, session, callback) => {
        let text = '';
        stream.on('data', (chunk: Buffer) => {
          text += chunk.toString();
        });
        stream.on('end', () => {
          const { mailFrom, rcptTo } = session.envelope;
          this.received.push({
            from: mailFrom === false ? '' : mailFrom.address,
            to: rcptTo.map(({ address }) => address),
            text,
            secure: session.secure,
            user: session.user as string | undefined,
          });
          callback();
        });
      },
      ...options,
    });
    // Clients that break off are what some tests are about.
    this.#server.on('error', () => undefined);
  }

  async listen(): Promise<this> {
    await new Promise<void>((resolve) => {
      this.#server.listen(0, '127.0.0.1', resolve);
    });
    return this;
  }

  get port(): number {
    return (this.#server.server.address() as AddressInfo).port;
  }

  async close(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.close(resolve));
  }
}

/** A bare port: what it says to whom is up to the test. */
export class TcpReceiver {
  readonly #server: TcpServer;
  readonly #sockets = new Set<Socket>();

  constructor(onConnection: (socket: Socket) => void) {
    this.#server = createTcpServer((socket) => {
      this.#sockets.add(socket);
      socket.on('error', () => undefined);
      onConnection(socket);
    });
  }

  async listen(): Promise<this> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return this;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
