/**
 * Requests that are written so that two programs read them differently, by raw sockets: what could hide a second
 * request, another host or a header in the first is refused and reaches nobody, or means one thing only.
 */
import { describe, expect, test } from 'vitest';
import { gatewayAndProvider, providerKey } from '../support/gateway-and-provider.ts';
import { openConnection } from '../support/raw-http.ts';
import { gatewayToken } from '../support/running-keyward.ts';

const room = gatewayAndProvider();
const good = JSON.stringify({ model: 'openrouter/m', messages: [] });
const token = `Authorization: Bearer ${gatewayToken}`;
const json = 'Content-Type: application/json';
const length = `Content-Length: ${good.length}`;

const post = (lines: readonly string[], body: string, lineEnd = '\r\n'): string =>
  ['POST /v1/chat/completions HTTP/1.1', 'Host: gateway', token, json, ...lines, '', body].join(lineEnd);
/** A good request, which must never be found in another one. */
const hidden = post([length], good);
/** After which the connection ends. */
const last = post([length, 'Connection: close'], good);
const inChunks = (body: string): string => `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`;

/** All that comes back until Keyward ends the connection, and how many requests came to the provider meanwhile. */
async function send(
  bytes: string,
  ending = '',
): Promise<{ statuses: string[]; text: string; calls: number }> {
  const before = room.provider.requests.length;
  const connection = await openConnection(room.keyward.port);
  await connection.send(Buffer.from(bytes + ending, 'latin1'));
  const text = await connection.rest();
  connection.close();
  const statuses = [...text.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => status ?? '');
  return { statuses, text, calls: room.provider.requests.length - before };
}

describe('a request that could hide another one is refused, alone, and reaches nobody:', () => {
  const chunked = 'Transfer-Encoding: chunked';
  test.each([
    ['a length and chunks', post([length, chunked], inChunks(good))],
    ['chunks and a length', post([chunked, 'Content-Length: 4'], inChunks(good))],
    ['the same length twice', post([length, length], good)],
    ['two lengths', post([length, 'Content-Length: 0'], good)],
    ['two lengths in one', post([`${length}, ${good.length}`], good)],
    ['a length with a sign', post([`Content-Length: +${good.length}`], good)],
    ['a length in another base', post([`Content-Length: 0x${good.length.toString(16)}`], good)],
    ['a length with a blank within', post(['Content-Length: 1 0'], good)],
    ['a length beyond all numbers', post(['Content-Length: 99999999999999999999999'], good)],
    ['an empty length', post(['Content-Length:'], good)],
    ['a blank before the colon', post(['Transfer-Encoding : chunked'], inChunks(good))],
    ['a blank before the name', post([` ${chunked}`, length], good)],
    ['chunks that are not the last encoding', post(['Transfer-Encoding: chunked, identity'], inChunks(good))],
    ['an encoding that nearly is chunked', post(['Transfer-Encoding: xchunked'], inChunks(good))],
    ['an encoding behind a tabulator of its own', post(['Transfer-Encoding: \x0bchunked'], inChunks(good))],
    ['a folded header', post(['X-Title: a', ' b', length], good)],
    ['a folded encoding', post(['Transfer-Encoding:', ' chunked'], inChunks(good))],
    ['line feeds alone for line ends', post([length], good, '\n')],
    ['a line feed within a header', post(['X-Title: a\nContent-Length: 0', length], good)],
    ['a carriage return within a header', post([`X-Title: a\rContent-Length: 0`, length], good)],
    ['a NUL within a header', post(['X-Title: a\0b', length], good)],
    ['a header without a colon', post(['Content-Length', length], good)],
    ['a chunk with a line feed alone', post([chunked], `${good.length.toString(16)}\n${good}\r\n0\r\n\r\n`)],
    ['a chunk with a sign', post([chunked], `+${inChunks(good)}`)],
    ['a chunk longer than it says', post([chunked], `2\r\n${good}\r\n0\r\n\r\n`)],
    ['a chunk beyond all numbers', post([chunked], `fffffffffffffffff\r\n${good}\r\n0\r\n\r\n`)],
    ['another version', hidden.replace('HTTP/1.1', 'HTTP/1.9')],
    ['no version', hidden.replace(' HTTP/1.1', '')],
    ['the version of another protocol', hidden.replace('HTTP/1.1', 'HTTP/2.0')],
  ])('%s', async (_, bytes) => {
    const { statuses, calls, text } = await send(bytes, hidden);
    expect(statuses).toEqual(['400']);
    expect(text).toContain('"type":"invalid_request_error"');
    expect(calls).toBe(0);
  });
});

describe('what belongs to the body of a request is no request:', () => {
  test('where it is refused unread', async () => {
    const bytes = post([`Content-Length: ${hidden.length}`], hidden).replace(
      token,
      'Authorization: Bearer no',
    );
    const { statuses, calls } = await send(bytes, last);
    expect([statuses, calls]).toEqual([['401', '200'], 1]);
  });

  test('where its method has none', async () => {
    const head = ['GET /v1/models HTTP/1.1', 'Host: x', token, `Content-Length: ${hidden.length}`, '', ''];
    const { statuses, calls } = await send(head.join('\r\n') + hidden, last);
    expect(statuses).toEqual(['200', '200']);
    const paths = room.provider.requests.slice(-calls).map(({ path }) => path);
    expect(paths.filter((path) => path.endsWith('/chat/completions'))).toHaveLength(1);
  });

  test('where an upgrade to something else is asked for', async () => {
    const upgrade = [
      'Connection: close, Upgrade, HTTP2-Settings',
      'Upgrade: h2c',
      'HTTP2-Settings: AAMAAABkAAQAAP__',
    ];
    const { statuses, calls } = await send(post([...upgrade, length], good), hidden);
    expect([statuses, calls]).toEqual([['200'], 1]);
  });
});

test('extensions and trailers of chunks mean nothing: the provider gets the body as it is', async () => {
  const body = `${good.length.toString(16)};name="a\tb"\r\n${good}\r\n0;last\r\nAuthorization: Bearer other\r\nX-Title: late\r\n\r\n`;
  const { statuses, calls } = await send(post(['Transfer-Encoding: chunked'], body), last);
  expect([statuses, calls]).toEqual([['200', '200'], 2]);
  const sent = room.provider.requests.at(-2);
  expect(sent?.body.toString()).toBe(good.replace('openrouter/', ''));
  expect(sent?.headers).toMatchObject({ authorization: `Bearer ${providerKey}` });
  expect(sent?.headers['x-title']).toBeUndefined();
});

test('requests one behind the other are answered in their order', async () => {
  const { statuses, calls } = await send(
    `${hidden}${hidden.replace(token, 'Authorization: Bearer no')}${last}`,
  );
  expect([statuses, calls]).toEqual([['200', '401', '200'], 2]);
});

describe('the key goes to no host that a caller names:', () => {
  const host = (): string => new URL(room.provider.baseUrl).host;
  const lines = (first: string): string => last.replace(/^.*\r\nHost: gateway/, first);

  test.each([
    ['in Host', 'POST /v1/chat/completions HTTP/1.1\r\nHost: evil.example'],
    [
      'in what proxies send',
      'POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nX-Forwarded-Host: evil.example\r\nForwarded: host=evil.example',
    ],
    ['in the path', 'POST /api/v1/llm/passthrough/openrouter/@evil.example/x HTTP/1.1\r\nHost: x'],
    ['as if it were a port', 'POST /api/v1/llm/passthrough/openrouter/:80@evil.example HTTP/1.1\r\nHost: x'],
    ['as a scheme', 'POST /api/v1/llm/passthrough/openrouter/http:/evil.example/x HTTP/1.1\r\nHost: x'],
  ])('%s', async (_, first) => {
    const { calls } = await send(lines(first));
    expect(calls).toBe(1);
    const sent = room.provider.requests.at(-1);
    expect(sent?.headers).toMatchObject({ host: host(), authorization: `Bearer ${providerKey}` });
    expect(sent?.path).toMatch(/^\/api\/v1\//);
    expect(sent?.rawHeaders.join('\n')).not.toContain('evil');
  });

  test.each([
    ['in an absolute address', 'POST http://evil.example/v1/chat/completions HTTP/1.1\r\nHost: evil.example'],
    ['in an absolute address of this gateway', 'POST http://gateway/v1/chat/completions HTTP/1.1\r\nHost: x'],
    ['with two slashes', 'POST //evil.example/v1/chat/completions HTTP/1.1\r\nHost: x'],
    ['as the provider', 'POST /api/v1/llm/passthrough/http:%2f%2fevil.example/x HTTP/1.1\r\nHost: x'],
    [
      'as the whole path',
      'POST /api/v1/llm/passthrough/openrouter/http://evil.example/x HTTP/1.1\r\nHost: x',
    ],
  ])('%s, which is refused', async (_, first) => {
    const { statuses, calls } = await send(lines(first));
    expect(statuses).toEqual([expect.stringMatching(/^40[0-9]$/)]);
    expect(calls).toBe(0);
  });

  test('as the end of a tunnel, which is refused', async () => {
    const { statuses, text, calls } = await send(
      lines('CONNECT evil.example:443 HTTP/1.1\r\nHost: evil.example'),
    );
    expect(statuses.filter((status) => status.startsWith('2'))).toEqual([]);
    expect([calls, text]).toEqual([0, expect.not.stringContaining(providerKey)]);
  });
});

test('after all of this the gateway serves as before', async () => {
  expect((await room.keyward.chat(good)).status).toBe(200);
  expect(room.keyward.logLines.join('')).not.toMatch(/"level":50/);
});
