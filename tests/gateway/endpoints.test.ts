import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isGatewayAddress, routeOf, wireOf } from '../../src/gateway/endpoints.ts';

const route = (method: string, url: string) => {
  const { endpoint, ...rest } = routeOf(method, url);
  return { name: endpoint.name, wire: endpoint.wire, routedBy: endpoint.routedBy, ...rest };
};

const refusal = (method: string, url: string): unknown => {
  try {
    return route(method, url);
  } catch (error) {
    return (error as { code: string }).code;
  }
};

describe('an address', () => {
  test.each([
    ['POST', '/v1/chat/completions', 'chat/completions', '/chat/completions', ''],
    ['POST', '/api/v1/llm/embeddings?x=1', 'embeddings', '/embeddings', ''],
    ['POST', '/api/v1/llm/v1/messages', 'messages', '/messages', ''],
    ['GET', '/v1/files?limit=2&after=file-1', 'files', '/files', '?limit=2&after=file-1'],
    ['GET', '/v1/files/file-1/content', 'files/:id/content', '/files/file-1/content', ''],
    ['POST', '/v1/batches/batch_1/cancel', 'batches/:id/cancel', '/batches/batch_1/cancel', ''],
    ['DELETE', '/v1/responses/resp_1', 'responses/:id', '/responses/resp_1', ''],
  ])('%s %s is %s', (method, url, name, path, query) => {
    expect(route(method, url)).toMatchObject({ name, path, query });
    expect(isGatewayAddress(url)).toBe(true);
  });

  test.each(['/v1beta', '/api/v1/llm/v1beta', '/v1', '/api/v1/llm'])(
    "of Google's API under %s holds the model",
    (prefix) => {
      const url = `${prefix}/models/google%2Fgemini-3:streamGenerateContent?alt=sse`;
      expect(route('POST', url)).toMatchObject({
        wire: 'gemini',
        path: '/models/{model}:streamGenerateContent',
        query: '?alt=sse',
        model: 'google/gemini-3',
      });
      expect(wireOf({ url, headers: {} })).toBe('gemini');
    },
  );

  test('of a passthrough names the provider, and the rest is as it came', () => {
    expect(route('PATCH', '/api/v1/llm/passthrough/openai/fine_tuning/jobs%20x?after=1')).toMatchObject({
      slug: 'openai',
      path: '/fine_tuning/jobs%20x',
      query: '?after=1',
    });
  });

  test.each([
    ['PUT', '/v1/files', 'method_not_allowed'],
    ['GET', '/v1/chat/completions', 'method_not_allowed'],
    ['POST', '/v1/unheard/of', 'route_not_found'],
    ['POST', '/api/v1/llm/passthrough/openai', 'route_not_found'],
    ['POST', '/api/v1/llm/passthrough//x', 'route_not_found'],
    ['GET', '/v1/files/..', 'path_refused'],
    ['GET', '/v1/files/%2e%2e', 'path_refused'],
    ['GET', '/v1/files/%252e%252e', 'path_refused'],
    ['GET', '/v1/files/a%2fb', 'path_refused'],
    ['GET', '/v1/files/a%5cb', 'path_refused'],
    ['GET', '/v1/files/a%00', 'path_refused'],
    ['GET', '/v1/files/a%0d%0aHost:x', 'path_refused'],
    ['GET', '/v1/files/a%zz', 'path_refused'],
    ['GET', '/api/v1/llm/passthrough/openai/../../x', 'path_refused'],
    ['GET', '/api/v1/llm/passthrough/openai//evil.example/x', 'path_refused'],
    ['GET', '/api/v1/llm/passthrough/openai/a\\b', 'path_refused'],
    ['GET', '/api/v1/llm/passthrough/openai/..;/x', 'path_refused'],
    ['GET', '/api/v1/llm/passthrough/openai/.;a=1/x', 'path_refused'],
    ['GET', '/api/v1/llm/passthrough/openai/..%c0%afx', 'path_refused'],
    ['GET', '/v1/files/a%ff', 'path_refused'],
    ['GET', '/v1/files?key=secret', 'token_in_address'],
    ['GET', '/v1/files?a=1&api_key=secret', 'token_in_address'],
    ['POST', '/v1beta/models/m:generateContent?key=secret', 'token_in_address'],
    ['GET', 'http://evil.example/v1/files', 'route_not_found'],
  ])('%s %s is refused: %s', (method, url, code) => {
    expect(refusal(method, url)).toBe(code);
  });

  test('never leads above the base URL of a provider, whatever it holds', () => {
    const piece = fc.constantFrom(
      '..',
      '.',
      '%2e',
      '%2E%2e',
      '/',
      '%2f',
      '%5C',
      'a',
      '%25',
      '2e',
      '\\',
      '@',
      ':',
      '?',
      '#',
      '%00',
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        const found = refusal('GET', `/api/v1/llm/passthrough/openai/${pieces.join('')}`);
        if (typeof found === 'string') return;
        const { path } = found as { path: string };
        const resolved = new URL(`https://provider.example/v1${path}`);
        expect(resolved.host).toBe('provider.example');
        let decoded = path;
        for (let depth = 0; depth < 4; depth += 1) {
          expect(decoded.split(/[\\/]/)).not.toContain('..');
          decoded = safelyDecoded(decoded);
        }
      }),
      { numRuns: 2_000 },
    );
  });
});

function safelyDecoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
