/** Spans arrive at a collector: a plain HTTP server that takes OTLP as JSON. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { gatewayToken, startKeyward, type RunningKeyward } from '../support/running-keyward.ts';
import { startStandInProvider, type StandInProvider } from '../support/stand-in-provider.ts';

interface Span {
  name: string;
  traceId: string;
  parentSpanId?: string;
  attributes: { key: string; value: Record<string, unknown> }[];
}

const providerKey = ['AQ', 'Fa4e'.repeat(10)].join('.');
const spans: Span[] = [];
let sent = '';
const collector = createServer((request, response) => {
  const parts: Buffer[] = [];
  request.on('data', (part: Buffer) => parts.push(part));
  request.once('end', () => {
    sent += Buffer.concat(parts).toString();
    const { resourceSpans } = JSON.parse(Buffer.concat(parts).toString()) as {
      resourceSpans: { scopeSpans: { spans: Span[] }[] }[];
    };
    if (request.url === '/v1/traces')
      spans.push(...resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap((scope) => scope.spans)));
    response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
  });
});

let provider: StandInProvider;
let keyward: RunningKeyward;
beforeAll(async () => {
  await new Promise<void>((resolve) => collector.listen(0, '127.0.0.1', resolve));
  provider = await startStandInProvider({ slug: 'google', keys: [providerKey] });
  keyward = await startKeyward({
    engine: 'embedded',
    env: {
      GOOGLE_API_KEY: providerKey,
      GOOGLE_BASE_URL: provider.baseUrl,
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${(collector.address() as AddressInfo).port}`,
    },
  });
});
afterAll(async () => {
  await keyward?.stop();
  await provider?.close();
  await new Promise((resolve) => collector.close(resolve));
});

test('a request is a span under the one of its caller, and the last are sent when the server stops', async () => {
  const traceId = 'ab'.repeat(16);
  await (
    await keyward.chat(
      { model: 'google/gemini-3', messages: [{ role: 'user', content: 'a secret plan' }] },
      { headers: { traceparent: `00-${traceId}-${'cd'.repeat(8)}-01` } },
    )
  ).text();
  await keyward.stop();
  const [span] = spans;
  expect(span).toMatchObject({ name: 'chat gemini-3', traceId, parentSpanId: 'cd'.repeat(8) });
  const attributes = Object.fromEntries(
    (span?.attributes ?? []).map(({ key, value }) => [key, Object.values(value)[0]]),
  );
  expect(attributes).toMatchObject({
    'gen_ai.operation.name': 'chat',
    'gen_ai.provider.name': 'gcp.gemini',
    'gen_ai.request.model': 'gemini-3',
    'gen_ai.usage.input_tokens': 5,
    'http.response.status_code': 200,
    'keyward.attempts': 1,
  });
  for (const secret of [providerKey, gatewayToken, 'a secret plan']) expect(sent).not.toContain(secret);
});
