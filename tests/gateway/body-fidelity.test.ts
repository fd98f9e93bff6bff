import { describe, expect, test } from 'vitest';
import { gatewayAndProvider } from '../support/gateway-and-provider.ts';

const room = gatewayAndProvider();

/** What the provider got, as text in which every byte is a character. */
async function relayed(body: string): Promise<string> {
  const before = room.provider.requests.length;
  const response = await room.keyward.chat(body);
  expect(response.status).toBe(200);
  const received = room.provider.requests[before];
  expect(received?.headers['content-length']).toBe(String(received?.body.length));
  return received?.body.toString('utf8') ?? '';
}

describe('the body reaches the provider byte for byte, but for the name of the model:', () => {
  test.each([
    [
      'fields that nobody knows',
      '{"model":"openrouter/m","x_new":{"a":[1,{"b":null}]},"provider":{"order":["x"]}}',
    ],
    [
      'numbers that JavaScript would change',
      '{"model":"openrouter/m","seed":12345678901234567890,"a":1.0,"b":1e2,"c":-0,"d":0.1000}',
    ],
    ['an unknown field that stands twice', '{"x":1,"model":"openrouter/m","x":2}'],
    ['escapes', String.raw`{"model":"openrouter/m","a":"\u00e9\/\u002f\ud83d\ude42\n","\u0061":1}`],
    ['lone surrogates', String.raw`{"model":"openrouter/m","a":"\ud83d"}`],
    ['blanks', '\r\n{ \t"model" :\n"openrouter/m" ,"a":[ ] }\n\n'],
    ['characters of all widths', '{"model":"openrouter/m","a":"aé世🙂\u007f\u2028"}'],
    ['a field __proto__', '{"__proto__":{"a":1},"model":"openrouter/m","constructor":1}'],
    ['a model further in', '{"a":{"model":"openrouter/m2"},"model":"openrouter/m","b":[{"model":"x"}]}'],
    ['an empty name', '{"":1,"model":"openrouter/m"}'],
  ])('%s', async (_what, body) => {
    expect(await relayed(body)).toBe(body.replace('"openrouter/m"', '"m"'));
  });

  test('a name of the model that is spelt with escapes is replaced by what it means', async () => {
    expect(await relayed(String.raw`{"model":"openrouter\/a\u002fb","x":1}`)).toBe('{"model":"a/b","x":1}');
  });

  test('a large body', async () => {
    const body = `{"model":"openrouter/m","a":"${'世'.repeat(2_000_000)}"}`;
    expect((await relayed(body)) === body.replace('"openrouter/m"', '"m"')).toBe(true);
  });

  test('a body whose model needs no change is not touched at all', async () => {
    await room.keyward.change(
      `INSERT INTO llm_models (provider_id, model_name, model_id, display_name)
       SELECT id, 'bare', 'bare', 'Bare' FROM llm_providers WHERE provider_slug = 'openrouter'`,
    );
    const body = String.raw`{ "a":1.0, "\u006dodel" : "b\u0061re" }`;
    expect(await relayed(body)).toBe(body);
  });
});
