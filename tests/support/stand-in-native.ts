/** Anthropic's Messages API and Google's Gemini API at the stand-in provider, as their references document them. */
import type { Answer } from './stand-in-exchange.ts';
import { fieldsOf, type AskedOfStandIn } from './stand-in-surface.ts';
import { json } from './stand-in-wires.ts';

type Field = Record<string, unknown>;

/** Undefined where the stand-in has nothing at this address. */
export function nativeAnswer(asked: AskedOfStandIn): Answer | undefined {
  if (asked.method !== 'POST') return undefined;
  if (asked.path.endsWith('/messages')) return messages(asked);
  if (asked.path.endsWith('/messages/count_tokens')) return json(200, { input_tokens: 12 });
  const act = /\/models\/([^/]+):(\w+)$/.exec(asked.path);
  return act === null ? undefined : gemini(asked, decodeURIComponent(act[1] ?? ''), act[2] ?? '');
}

function messages({ headers, body }: AskedOfStandIn): Answer {
  if (headers['anthropic-version'] === undefined)
    return json(400, {
      type: 'error',
      error: { type: 'invalid_request_error', message: 'anthropic-version: header is required' },
    });
  const { model, messages: said, tools, stream } = fieldsOf(body);
  const last = Array.isArray(said) ? ((said.at(-1) as Field | undefined)?.['content'] ?? '') : '';
  const text = typeof last === 'string' ? last : JSON.stringify(last);
  const isFirstTurn = Array.isArray(said) && said.length === 1;
  const tool = Array.isArray(tools) && isFirstTurn ? (tools[0] as Field | undefined) : undefined;
  const block: Field =
    tool === undefined
      ? { type: 'text', text }
      : { type: 'tool_use', id: 'toolu_1', name: tool['name'], input: { city: 'Wien' } };
  const stop_reason = tool === undefined ? 'end_turn' : 'tool_use';
  const usage = { input_tokens: 12, cache_read_input_tokens: 3, output_tokens: 6 };
  const whole = {
    id: 'msg_1',
    type: 'message',
    role: 'assistant',
    model,
    content: [block],
    stop_reason,
    stop_sequence: null,
    usage,
  };
  if (stream !== true) return json(200, whole);
  const delta =
    tool === undefined
      ? { type: 'text_delta', text }
      : { type: 'input_json_delta', partial_json: JSON.stringify(block['input']) };
  const begun = tool === undefined ? { type: 'text', text: '' } : { ...block, input: {} };
  const events: Field[] = [
    {
      type: 'message_start',
      message: { ...whole, content: [], stop_reason: null, usage: { ...usage, output_tokens: 1 } },
    },
    { type: 'content_block_start', index: 0, content_block: begun },
    { type: 'ping' },
    { type: 'content_block_delta', index: 0, delta },
    { type: 'content_block_stop', index: 0 },
    { type: 'message_delta', delta: { stop_reason, stop_sequence: null }, usage: { output_tokens: 6 } },
    { type: 'message_stop' },
  ];
  return {
    status: 200,
    contentType: 'text/event-stream',
    body: events.map((event) => `event: ${String(event['type'])}\ndata: ${JSON.stringify(event)}\n\n`),
  };
}

function gemini({ body }: AskedOfStandIn, model: string, act: string): Answer {
  const { contents } = fieldsOf(body);
  const parts = Array.isArray(contents) ? (contents.at(-1) as Field | undefined)?.['parts'] : [];
  const text = Array.isArray(parts) ? parts.map((part: { text?: string }) => part.text ?? '').join('') : '';
  if (act === 'countTokens') return json(200, { totalTokens: 9 });
  if (act === 'embedContent' || act === 'batchEmbedContents')
    return json(200, { embeddings: [{ values: [0.5, 0.25] }] });
  const usageMetadata = {
    promptTokenCount: 9,
    cachedContentTokenCount: 2,
    candidatesTokenCount: 5,
    totalTokenCount: 14,
  };
  const piece = (said: string, finishReason?: string) => ({
    candidates: [
      {
        content: { role: 'model', parts: [{ text: said }] },
        index: 0,
        ...(finishReason && { finishReason }),
      },
    ],
    usageMetadata,
    modelVersion: model,
  });
  if (act === 'generateContent') return json(200, piece(text, 'STOP'));
  if (act !== 'streamGenerateContent') return json(404, { error: { code: 404, status: 'NOT_FOUND' } });
  const half = Math.ceil(text.length / 2);
  return {
    status: 200,
    contentType: 'text/event-stream',
    body: [piece(text.slice(0, half)), piece(text.slice(half), 'STOP')].map(
      (event) => `data: ${JSON.stringify(event)}\r\n\r\n`,
    ),
  };
}
