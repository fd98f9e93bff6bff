/**
 * The rest of OpenAI's API at the stand-in provider, as its reference documents it: each answer says enough of what
 * arrived that a test can tell it from another.
 */
import type { IncomingHttpHeaders } from 'node:http';
import type { Answer } from './stand-in-exchange.ts';
import { json } from './stand-in-wires.ts';

export interface AskedOfStandIn {
  readonly method: string;
  /** Without the query. */
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

type Field = Record<string, unknown>;

const created = 1_700_000_000;
/** Not UTF-8, as audio is not. */
const audioBytes = 'ID3\u0004 stand-in audio';

/** Undefined where the stand-in has nothing at this address. */
export function surfaceAnswer(asked: AskedOfStandIn): Answer | undefined {
  const route = surface.find(({ method, path }) => method === asked.method && path.test(asked.path));
  return route?.answer(asked, route.path.exec(asked.path)?.[1] ?? '');
}

interface SurfaceRoute {
  readonly method: string;
  readonly path: RegExp;
  readonly answer: (asked: AskedOfStandIn, id: string) => Answer;
}

const route = (method: string, path: RegExp, answer: SurfaceRoute['answer']): SurfaceRoute => ({
  method,
  path,
  answer,
});

const surface: readonly SurfaceRoute[] = [
  route('POST', /(?<!chat)\/completions$/, ({ body }) => completion(fieldsOf(body))),
  route('POST', /\/embeddings$/, ({ body }) => embeddings(fieldsOf(body))),
  route('POST', /\/moderations$/, ({ body }) =>
    json(200, {
      id: 'modr-1',
      model: fieldsOf(body)['model'],
      results: [{ flagged: false, categories: {}, category_scores: {} }],
    }),
  ),
  route('POST', /\/rerank$/, ({ body }) =>
    json(200, {
      id: 'rerank-1',
      model: fieldsOf(body)['model'],
      results: [{ index: 0, relevance_score: 0.9 }],
    }),
  ),
  route('POST', /\/responses$/, ({ body }) => response(fieldsOf(body))),
  route('GET', /\/responses\/([^/]+)$/, (_, id) => json(200, responseBody(id, 'm', 'kept', 'completed'))),
  route('DELETE', /\/responses\/([^/]+)$/, (_, id) => json(200, { id, object: 'response', deleted: true })),
  route('POST', /\/responses\/([^/]+)\/cancel$/, (_, id) =>
    json(200, responseBody(id, 'm', '', 'cancelled')),
  ),
  route('POST', /\/images\/generations$/, () => json(200, { created, data: [{ b64_json: 'c3RhbmQtaW4=' }] })),
  route('POST', /\/images\/(?:edits|variations)$/, (asked) =>
    json(200, { created, data: [{ b64_json: 'ZWRpdGVk', revised_prompt: describeForm(asked) }] }),
  ),
  route('POST', /\/audio\/speech$/, () => ({ status: 200, contentType: 'audio/mpeg', body: audioBytes })),
  route('POST', /\/audio\/(?:transcriptions|translations)$/, (asked) =>
    json(200, { text: describeForm(asked) }),
  ),
  route('POST', /\/files$/, (asked) => json(200, file('file-1', describeForm(asked)))),
  route('GET', /\/files$/, () =>
    json(200, { object: 'list', data: [file('file-1', 'a.jsonl')], has_more: false }),
  ),
  route('GET', /\/files\/([^/]+)$/, (_, id) => json(200, file(id, 'a.jsonl'))),
  route('DELETE', /\/files\/([^/]+)$/, (_, id) => json(200, { id, object: 'file', deleted: true })),
  route('GET', /\/files\/([^/]+)\/content$/, (_, id) => ({
    status: 200,
    contentType: 'application/octet-stream',
    body: `content of ${id}`,
  })),
  route('POST', /\/batches$/, ({ body }) =>
    json(200, batch('batch_1', 'validating', fieldsOf(body)['input_file_id'])),
  ),
  route('GET', /\/batches$/, () =>
    json(200, { object: 'list', data: [batch('batch_1', 'completed')], has_more: false }),
  ),
  route('GET', /\/batches\/([^/]+)$/, (_, id) => json(200, batch(id, 'completed'))),
  route('POST', /\/batches\/([^/]+)\/cancel$/, (_, id) => json(200, batch(id, 'cancelling'))),
  route('GET', /\/models$/, () =>
    json(200, {
      object: 'list',
      data: [{ id: 'stand-in-model', object: 'model', created, owned_by: 'stand-in' }],
    }),
  ),
];

function completion({ model, prompt, stream }: Field): Answer {
  const head = { id: 'cmpl-1', object: 'text_completion', created, model };
  const choice = (text: string, finish_reason: string | null) => [
    { text, index: 0, logprobs: null, finish_reason },
  ];
  const text = String(prompt);
  if (stream !== true)
    return json(200, {
      ...head,
      choices: choice(text, 'stop'),
      usage: { prompt_tokens: 3, completion_tokens: 4, total_tokens: 7 },
    });
  const events = [choice(text, null), choice('', 'stop')].map(
    (choices) => `data: ${JSON.stringify({ ...head, choices })}\n\n`,
  );
  return { status: 200, contentType: 'text/event-stream', body: [...events, 'data: [DONE]\n\n'] };
}

function embeddings({ model, input, encoding_format }: Field): Answer {
  const inputs = Array.isArray(input) ? input : [input];
  const vector = [0.25, -0.5, 1];
  const embedding =
    encoding_format === 'base64' ? Buffer.from(new Float32Array(vector).buffer).toString('base64') : vector;
  return json(200, {
    object: 'list',
    model,
    data: inputs.map((_, index) => ({ object: 'embedding', index, embedding })),
    usage: { prompt_tokens: 3 * inputs.length, total_tokens: 3 * inputs.length },
  });
}

function response({ model, input, stream }: Field): Answer {
  const text = typeof input === 'string' ? input : JSON.stringify(input);
  const whole = responseBody('resp_1', String(model), text, 'completed');
  if (stream !== true) return json(200, whole);
  const events = [
    { type: 'response.created', response: { ...whole, status: 'in_progress', output: [] } },
    { type: 'response.output_text.delta', item_id: 'msg_1', output_index: 0, content_index: 0, delta: text },
    { type: 'response.completed', response: whole },
  ].map((event, sequence_number) => ({ ...event, sequence_number }));
  return {
    status: 200,
    contentType: 'text/event-stream',
    body: events.map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`),
  };
}

function responseBody(id: string, model: string, text: string, status: string): Field {
  return {
    id,
    object: 'response',
    created_at: created,
    status,
    model,
    output: [
      {
        type: 'message',
        id: 'msg_1',
        role: 'assistant',
        status: 'completed',
        content: [{ type: 'output_text', text, annotations: [] }],
      },
    ],
    usage: {
      input_tokens: 11,
      input_tokens_details: { cached_tokens: 2 },
      output_tokens: 7,
      output_tokens_details: { reasoning_tokens: 0 },
      total_tokens: 18,
    },
  };
}

function file(id: string, filename: string): Field {
  return {
    id,
    object: 'file',
    bytes: 7,
    created_at: created,
    filename,
    purpose: 'batch',
    status: 'processed',
  };
}

function batch(id: string, status: string, input_file_id: unknown = 'file-1'): Field {
  return {
    id,
    object: 'batch',
    endpoint: '/v1/chat/completions',
    input_file_id,
    completion_window: '24h',
    status,
    created_at: created,
  };
}

/** Each part of a form as name=value, of a file its name and how many bytes it has. */
function describeForm({ headers, body }: Pick<AskedOfStandIn, 'headers' | 'body'>): string {
  const boundary = /boundary=(?:"([^"]+)"|([^;\s]+))/.exec(headers['content-type'] ?? '');
  const marker = `--${boundary?.[1] ?? boundary?.[2] ?? ''}`;
  return body
    .toString('latin1')
    .split(marker)
    .slice(1, -1)
    .map((part) => {
      const [head = '', ...rest] = part.split('\r\n\r\n');
      const content = rest.join('\r\n\r\n').replace(/\r\n$/, '');
      const name = /name="([^"]*)"/.exec(head)?.[1] ?? '';
      const filename = /filename="([^"]*)"/.exec(head)?.[1];
      return filename === undefined ? `${name}=${content}` : `${name}=${filename} of ${content.length} bytes`;
    })
    .toSorted()
    .join(', ');
}

export function fieldsOf(body: Buffer): Field {
  try {
    const value: unknown = JSON.parse(body.toString('utf8'));
    return typeof value === 'object' && value !== null ? { ...value } : {};
  } catch {
    return {};
  }
}
