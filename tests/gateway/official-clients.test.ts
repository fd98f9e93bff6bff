/** The SDKs that applications have, each with no more changed than its base URL and its key. */
import Anthropic from '@anthropic-ai/sdk';
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { GoogleGenAI } from '@google/genai';
import { embed, generateText, jsonSchema, streamText, tool } from 'ai';
import OpenAI, { toFile } from 'openai';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { gatewayToken, startKeyward, type RunningKeyward } from '../support/running-keyward.ts';
import { refusals } from '../support/stand-in-behaviour.ts';
import { startStandInProvider, type StandInProvider } from '../support/stand-in-provider.ts';

const keys = {
  openai: ['sk', 'proj', 'fa4e'.repeat(10)].join('-'),
  anthropic: ['sk', 'ant', 'api03', `${'Zx9k'.repeat(23)}zAA`].join('-'),
  google: ['AQ', 'Fa4e'.repeat(10)].join('.'),
};
type Slug = keyof typeof keys;

let keyward: RunningKeyward;
const providers = {} as Record<Slug, StandInProvider>;

beforeAll(async () => {
  const env: Record<string, string> = { DEFAULT_PROVIDER: 'openai' };
  for (const slug of Object.keys(keys) as Slug[]) {
    providers[slug] = await startStandInProvider({ slug, keys: [keys[slug]] });
    env[`${slug.toUpperCase()}_API_KEY`] = keys[slug];
    env[`${slug.toUpperCase()}_BASE_URL`] = providers[slug].baseUrl;
  }
  keyward = await startKeyward({ engine: 'embedded', env });
});
beforeEach(() => {
  for (const provider of Object.values(providers)) provider.behave({});
});
afterAll(async () => {
  await keyward?.stop();
  await Promise.all(Object.values(providers).map(async (provider) => provider.close()));
});

async function all<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const found: Item[] = [];
  for await (const item of items) found.push(item);
  return found;
}

const weather = {
  name: 'weather',
  description: 'The weather of a city',
  schema: {
    type: 'object' as const,
    properties: { city: { type: 'string' as const } },
    required: ['city'],
    additionalProperties: false,
  },
};

describe.each(['/v1', '/api/v1/llm'])('openai at %s', (path) => {
  const client = (options: ConstructorParameters<typeof OpenAI>[0] = {}) =>
    new OpenAI({ apiKey: gatewayToken, baseURL: keyward.server.url + path, maxRetries: 0, ...options });
  const model = 'openai/gpt-5-mini';
  const messages = [{ role: 'user' as const, content: 'Grüß Gott, 世界! 🙂' }];

  test('chats, in one piece and as a stream', async () => {
    const whole = await client().chat.completions.create({ model, messages });
    expect(whole.choices[0]?.message.content).toBe(messages[0]?.content);
    let streamed = '';
    for await (const chunk of await client().chat.completions.create({ model, messages, stream: true }))
      streamed += chunk.choices[0]?.delta.content ?? '';
    expect(streamed).toBe(messages[0]?.content);
  });

  test('calls tools, in one piece and as a stream, and gives their results back', async () => {
    const tools = [
      {
        type: 'function' as const,
        function: { name: weather.name, description: weather.description, parameters: weather.schema },
      },
    ];
    const asked = await client().chat.completions.create({ model, messages, tools });
    const call = asked.choices[0]?.message.tool_calls?.[0];
    expect(call).toMatchObject({ function: { name: 'weather', arguments: '{"city":"Wien"}' } });
    const stream = client().chat.completions.stream({ model, messages, tools });
    const final = await stream.finalChatCompletion();
    expect(final.choices[0]?.message.tool_calls?.[0]).toMatchObject({
      function: { name: 'weather', arguments: '{"city":"Wien"}' },
    });
    const answered = await client().chat.completions.create({
      model,
      tools,
      messages: [
        ...messages,
        asked.choices[0]?.message ?? { role: 'assistant' },
        { role: 'tool', tool_call_id: call?.id ?? '', content: 'sunny' },
      ],
    });
    expect(answered.choices[0]?.finish_reason).toBe('stop');
  });

  test('is held to a JSON schema, and shows an image', async () => {
    const held = await client().chat.completions.create({
      model,
      messages: [{ role: 'user', content: 'as JSON' }],
      response_format: {
        type: 'json_schema',
        json_schema: { name: 'said', schema: { type: 'object', properties: { said: { type: 'string' } } } },
      },
    });
    expect(JSON.parse(held.choices[0]?.message.content ?? '')).toEqual({ said: 'as JSON' });
    const url = `data:image/png;base64,${Buffer.alloc(100_000, 7).toString('base64')}`;
    const seen = await client().chat.completions.create({
      model,
      messages: [
        {
          role: 'user',
          content: [
            { type: 'text', text: 'What is this?' },
            { type: 'image_url', image_url: { url } },
          ],
        },
      ],
    });
    expect(seen.choices[0]?.message.content).toContain(url);
  });

  test('completes, embeds, moderates', async () => {
    const completion = await client().completions.create({ model, prompt: 'Once' });
    expect(completion.choices[0]?.text).toBe('Once');
    const embedding = await client().embeddings.create({ model, input: ['a', 'b'] });
    expect(embedding.data.map((one) => one.embedding)).toEqual([
      [0.25, -0.5, 1],
      [0.25, -0.5, 1],
    ]);
    expect((await client().moderations.create({ model, input: 'a' })).results[0]?.flagged).toBe(false);
  });

  test('makes a response, as a stream too, gets, cancels and deletes it', async () => {
    const made = await client().responses.create({ model, input: 'Hello' });
    expect(made.output_text).toBe('Hello');
    const types: string[] = [];
    for await (const event of await client().responses.create({ model, input: 'Hello', stream: true }))
      types.push(event.type);
    expect(types).toEqual(['response.created', 'response.output_text.delta', 'response.completed']);
    expect((await client().responses.retrieve('resp_7')).id).toBe('resp_7');
    expect((await client().responses.cancel('resp_7')).status).toBe('cancelled');
    await client().responses.delete('resp_7');
    expect(providers.openai.requests.at(-1)).toMatchObject({
      method: 'DELETE',
      path: '/v1/responses/resp_7',
    });
  });

  test('makes and edits images, speaks and listens', async () => {
    const image = await client().images.generate({ model, prompt: 'a cat' });
    expect(image.data?.[0]?.b64_json).toBe('c3RhbmQtaW4=');
    const picture = await toFile(Buffer.alloc(1000, 1), 'cat.png', { type: 'image/png' });
    const edited = await client().images.edit({ model, image: picture, prompt: 'a dog' });
    expect(edited.data?.[0]?.revised_prompt).toContain('image=cat.png of 1000 bytes, model=gpt-5-mini');
    const spoken = await client().audio.speech.create({ model, voice: 'alloy', input: 'Hello' });
    expect(Buffer.from(await spoken.arrayBuffer()).toString()).toContain('stand-in audio');
    // Longer than what is held in memory, and before the model's name.
    const sound = await toFile(Buffer.alloc(3_000_000, 'x'), 'talk.mp3');
    const heard = await client().audio.transcriptions.create({ file: sound, model: 'openai/whisper-1' });
    expect(heard.text).toBe('file=talk.mp3 of 3000000 bytes, model=whisper-1');
    const translated = await client().audio.translations.create({ model: 'openai/whisper-1', file: sound });
    expect(translated.text).toContain('model=whisper-1');
  });

  test('keeps files and runs batches', async () => {
    const file = await toFile(Buffer.from('{"a":1}\n'), 'batch.jsonl');
    const uploaded = await client().files.create({ file, purpose: 'batch' });
    expect(uploaded.filename).toBe('file=batch.jsonl of 8 bytes, purpose=batch');
    expect((await client().files.list()).data).toHaveLength(1);
    expect((await client().files.retrieve('file-9')).id).toBe('file-9');
    expect(await (await client().files.content('file-9')).text()).toBe('content of file-9');
    await client().files.delete('file-9');
    const batch = await client().batches.create({
      input_file_id: 'file-9',
      endpoint: '/v1/chat/completions',
      completion_window: '24h',
    });
    expect(batch.input_file_id).toBe('file-9');
    expect((await client().batches.list({ limit: 3 })).data).toHaveLength(1);
    expect(providers.openai.requests.at(-1)?.path).toBe('/v1/batches?limit=3');
    expect((await client().batches.retrieve('batch_7')).status).toBe('completed');
    expect((await client().batches.cancel('batch_7')).status).toBe('cancelling');
  });

  test('lists models, and one of them', async () => {
    const ids = (await all(client().models.list())).map(({ id }) => id);
    expect(ids).toEqual(
      ['openai/stand-in-model', 'anthropic/stand-in-model', 'google/stand-in-model'].toSorted(),
    );
    expect((await client().models.retrieve('google/stand-in-model')).owned_by).toBe('google');
    await expect(client().models.retrieve('google/nothing')).rejects.toThrow(OpenAI.NotFoundError);
  });

  test('retries what may pass, raises what does not, and aborts', async () => {
    providers.openai.behave({ answer: refusals.serverError, requests: 3 });
    const completion = await client({ maxRetries: 2 }).chat.completions.create({ model, messages });
    expect(completion.choices).toHaveLength(1);
    await expect(
      client({ apiKey: 'wrong-token-0123456789' }).chat.completions.create({ model, messages }),
    ).rejects.toThrow(OpenAI.AuthenticationError);
    providers.openai.behave({ answer: refusals.rateLimited });
    await expect(client().chat.completions.create({ model, messages })).rejects.toThrow(
      OpenAI.RateLimitError,
    );
    providers.openai.behave({ chunks: 100_000 });
    const stream = await client().chat.completions.create({ model, messages, stream: true });
    const before = providers.openai.disconnects;
    for await (const chunk of stream) {
      expect(chunk.object).toBe('chat.completion.chunk');
      stream.controller.abort();
    }
    await providers.openai.waitForDisconnect(before + 1);
  });
});

describe.each(['', '/api/v1/llm'])('@anthropic-ai/sdk at %s/', (path) => {
  const client = (apiKey = gatewayToken) =>
    new Anthropic({ apiKey, baseURL: keyward.server.url + path, maxRetries: 0 });
  const ask = {
    model: 'claude-sonnet-4-5',
    max_tokens: 100,
    messages: [{ role: 'user' as const, content: 'Servus!' }],
  };

  test('sends messages, in one piece and as a stream, with the key where Anthropic takes it', async () => {
    const message = await client().messages.create(ask);
    expect(message.content[0]).toMatchObject({ type: 'text', text: 'Servus!' });
    const sent = providers.anthropic.requests.at(-1)?.headers;
    expect(sent?.['x-api-key']).toBe(keys.anthropic);
    expect(sent?.authorization).toBeUndefined();
    const final = await client().messages.stream(ask).finalMessage();
    expect(final.content[0]).toMatchObject({ text: 'Servus!' });
    expect(final.usage.output_tokens).toBe(6);
  });

  test('names the provider in the model, counts tokens, calls tools', async () => {
    const named = { ...ask, model: 'anthropic/claude-sonnet-4-5' };
    expect((await client().messages.create(named)).model).toBe('claude-sonnet-4-5');
    expect((await client().messages.countTokens(ask)).input_tokens).toBe(12);
    const tools = [{ name: weather.name, input_schema: weather.schema }];
    const called = await client()
      .messages.stream({ ...ask, tools })
      .finalMessage();
    expect(called.content[0]).toMatchObject({ type: 'tool_use', name: 'weather', input: { city: 'Wien' } });
  });

  test('lists the models that it can call, and one of them by each of its names', async () => {
    const models = await all(client().models.list());
    expect(models.map(({ id }) => id)).toEqual(['anthropic/stand-in-model']);
    for (const id of ['anthropic/stand-in-model', 'stand-in-model'])
      expect(await client().models.retrieve(id)).toMatchObject({
        id,
        type: 'model',
        created_at: '2025-09-29T00:00:00.000Z',
      });
    await expect(client().models.retrieve('nothing')).rejects.toMatchObject({
      status: 404,
      error: { type: 'error', error: { type: 'not_found_error' } },
    });
    await expect(client('wrong-token-0123456789').models.list()).rejects.toMatchObject({
      status: 401,
      error: { type: 'error', error: { type: 'authentication_error' } },
    });
  });

  test('raises the errors that it knows', async () => {
    await expect(client('wrong-token-0123456789').messages.create(ask)).rejects.toThrow(
      Anthropic.AuthenticationError,
    );
    await expect(client().messages.create({ ...ask, model: 'openai/gpt-5' })).rejects.toThrow(
      /does not speak Anthropic's Messages API/,
    );
    providers.anthropic.behave({ answer: refusals.overloaded });
    await expect(client().messages.create(ask)).rejects.toThrow(/Overloaded/);
  });
});

describe.each(['', '/api/v1/llm'])('@google/genai at %s/', (path) => {
  const client = (apiKey = gatewayToken) =>
    new GoogleGenAI({ apiKey, httpOptions: { baseUrl: keyward.server.url + path } });

  test.each(['gemini-3-flash', 'google/gemini-3-flash'])('generates with %s, and streams', async (model) => {
    const whole = await client().models.generateContent({ model, contents: 'Grüezi' });
    expect(whole.text).toBe('Grüezi');
    expect(providers.google.requests.at(-1)).toMatchObject({
      path: '/v1beta/models/gemini-3-flash:generateContent',
      headers: { 'x-goog-api-key': keys.google },
    });
    let streamed = '';
    for await (const chunk of await client().models.generateContentStream({ model, contents: 'Grüezi' }))
      streamed += chunk.text ?? '';
    expect(streamed).toBe('Grüezi');
    expect((await client().models.countTokens({ model, contents: 'Grüezi' })).totalTokens).toBe(9);
  });

  test('lists the models that it can call, and one of them by each of its names', async () => {
    const listed: (string | undefined)[] = [];
    for await (const { name } of await client().models.list()) listed.push(name);
    expect(listed).toEqual(['models/google/stand-in-model']);
    for (const model of ['google/stand-in-model', 'stand-in-model'])
      expect((await client().models.get({ model })).name).toBe(`models/${model}`);
    await expect(client().models.get({ model: 'nothing' })).rejects.toMatchObject({
      status: 404,
      message: expect.stringContaining('NOT_FOUND') as string,
    });
  });

  test('raises the errors that it knows', async () => {
    const asked = { model: 'gemini-3-flash', contents: 'Grüezi' };
    await expect(client('wrong-token-0123456789').models.generateContent(asked)).rejects.toMatchObject({
      status: 401,
      message: expect.stringContaining('UNAUTHENTICATED') as string,
    });
  });
});

describe.each(['/v1', '/api/v1/llm'])('ai with its OpenAI-compatible provider at %s', (path) => {
  const provider = () =>
    createOpenAICompatible({
      name: 'keyward',
      apiKey: gatewayToken,
      baseURL: keyward.server.url + path,
      includeUsage: true,
    });

  test('generates, streams, embeds', async () => {
    const model = provider()('openai/gpt-5-mini');
    const { text, usage } = await generateText({ model, prompt: 'Hello', maxRetries: 0 });
    expect(text).toBe('Hello');
    expect(usage.outputTokens).toBeGreaterThan(0);
    const streamed = streamText({ model, prompt: 'Hello there', maxRetries: 0 });
    expect((await all(streamed.textStream)).join('')).toBe('Hello there');
    const { embedding } = await embed({
      model: provider().embeddingModel('openai/text-embedding-3-small'),
      value: 'a',
    });
    expect(embedding).toEqual([0.25, -0.5, 1]);
  });

  test('calls tools', async () => {
    const { toolResults } = await generateText({
      model: provider()('openai/gpt-5-mini'),
      prompt: 'Weather?',
      tools: {
        weather: tool({
          description: weather.description,
          inputSchema: jsonSchema<{ city: string }>(weather.schema),
          execute: async ({ city }) => `sunny in ${city}`,
        }),
      },
    });
    expect(toolResults[0]?.output).toBe('sunny in Wien');
  });
});
