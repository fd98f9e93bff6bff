/** An upstream, at an address of loopback, that fails on the way in one of the manners of the corpus. */
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:tls';
import type { Fault } from './corpus.ts';
import { startRawUpstream } from './raw-upstream.ts';
import { makeSelfSignedCertificate } from './self-signed-certificate.ts';
import type { Behaviour } from './stand-in-behaviour.ts';
import { startStandInProvider, type StandInProvider } from './stand-in-provider.ts';

interface FaultyUpstream {
  readonly baseUrl: string;
  close(): Promise<void>;
}

/** The faults of a provider that listens and then does not answer as it should. */
const misbehaviours: Partial<Readonly<Record<Fault, Behaviour>>> = {
  timeout: { insteadOfHeaders: 'stall' },
  stall: { cut: { afterBytes: 10, ending: 'stall' } },
  reset: { insteadOfHeaders: 'reset' },
  close: { insteadOfHeaders: 'close' },
  cut: { cut: { afterBytes: 10, ending: 'reset' } },
  short: { cut: { afterBytes: 10, ending: 'close' } },
};

/** @param key one that the provider would accept, so that only the fault stands in its way */
export async function startFaultyUpstream(fault: Fault, slug: string, key: string): Promise<FaultyUpstream> {
  switch (fault) {
    case 'refused':
      return nowhere('http://127.0.0.1:1');
    case 'dns':
      // No name may have a part of more than 63 characters, so no resolver has to be asked.
      return nowhere(`https://${'x'.repeat(64)}.invalid`);
    case 'not-http':
      return notHttp();
    case 'certificate':
      return unvouched();
    case 'no-tls':
      return withoutTls(await standIn(slug, key));
    default: {
      const started = await standIn(slug, key);
      started.behave(misbehaviours[fault] ?? {});
      return started;
    }
  }
}

async function standIn(slug: string, key: string): Promise<StandInProvider> {
  return startStandInProvider({ slug, keys: [key] });
}

function nowhere(baseUrl: string): FaultyUpstream {
  return { baseUrl, close: async () => Promise.resolve() };
}

async function notHttp(): Promise<FaultyUpstream> {
  const upstream = await startRawUpstream('SSH-2.0-stand-in\r\n');
  return { baseUrl: upstream.origin, close: async () => upstream.close() };
}

function withoutTls(started: StandInProvider): FaultyUpstream {
  return { baseUrl: started.baseUrl.replace('http:', 'https:'), close: async () => started.close() };
}

async function unvouched(): Promise<FaultyUpstream> {
  const server = createServer(makeSelfSignedCertificate());
  server.on('tlsClientError', () => undefined);
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return {
    baseUrl: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: async () => {
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
