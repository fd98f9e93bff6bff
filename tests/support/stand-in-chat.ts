/** The chat of the stand-in provider: it says the last user message again, whole or as a stream of events. */
import type { Behaviour } from './stand-in-behaviour.ts';

interface ChatRequest {
  readonly model: string;
  readonly stream: boolean;
  readonly includeUsage: boolean;
  readonly lastUserText: string;
  /** The first tool that is offered; undefined once one has been called. */
  readonly tool: string | undefined;
  readonly wantsJson: boolean;
}

/** Reads as much as the stand-in needs; anything missing is taken as empty. */
export function readChatRequest(body: Buffer): ChatRequest {
  const sent = parse(body);
  const messages = Array.isArray(sent['messages']) ? sent['messages'].map(record) : [];
  const content = messages.findLast((message) => message['role'] === 'user')?.['content'];
  return {
    model: typeof sent['model'] === 'string' ? sent['model'] : '',
    stream: sent['stream'] === true,
    includeUsage: record(sent['stream_options'])['include_usage'] === true,
    lastUserText: typeof content === 'string' ? content : JSON.stringify(content ?? ''),
    tool: messages.some(({ role }) => role === 'tool') ? undefined : toolIn(sent['tools']),
    wantsJson: record(sent['response_format'])['type'] === 'json_schema',
  };
}

function toolIn(tools: unknown): string | undefined {
  const name = Array.isArray(tools) ? record(record(tools[0])['function'])['name'] : undefined;
  return typeof name === 'string' ? name : undefined;
}

const toolArguments = '{"city":"Wien"}';

const toolCall = (name: string) => ({
  id: 'call_1',
  type: 'function',
  function: { name, arguments: toolArguments },
});

export function chatCompletion(id: string, request: ChatRequest, behaviour: Behaviour): string {
  const content = [...textPieces(request, behaviour)].join('');
  const { tool } = request;
  const message =
    tool === undefined
      ? { role: 'assistant', content, refusal: null }
      : { role: 'assistant', content: null, refusal: null, tool_calls: [toolCall(tool)] };
  return JSON.stringify({
    id,
    object: 'chat.completion',
    created,
    model: request.model,
    choices: [
      {
        index: 0,
        message,
        logprobs: null,
        finish_reason: tool === undefined ? 'stop' : 'tool_calls',
      },
    ],
    usage: usageOf(content.length),
  });
}

/** The events in order, each with its empty line; made one by one, so that a stream may be of any length. */
export function* chatEvents(id: string, request: ChatRequest, behaviour: Behaviour): Generator<string> {
  const head = { id, object: 'chat.completion.chunk', created, model: request.model };
  const event = (delta: unknown, finish_reason: string | null = null) =>
    `data: ${JSON.stringify({ ...head, choices: [{ index: 0, delta, logprobs: null, finish_reason }] })}\n\n`;
  let chars = 0;
  yield event({ role: 'assistant', content: '', refusal: null });
  if (request.tool !== undefined) {
    const { function: called, ...call } = toolCall(request.tool);
    yield event({ tool_calls: [{ index: 0, ...call, function: { ...called, arguments: '' } }] });
    for (const piece of [toolArguments.slice(0, 5), toolArguments.slice(5)])
      yield event({ tool_calls: [{ index: 0, function: { arguments: piece } }] });
    yield event({}, 'tool_calls');
    if (!behaviour.withoutDone) yield 'data: [DONE]\n\n';
    return;
  }
  for (const content of textPieces(request, behaviour)) {
    chars += content.length;
    yield event({ content });
  }
  yield event({}, 'stop');
  if (request.includeUsage)
    yield `data: ${JSON.stringify({ ...head, choices: [], usage: usageOf(chars) })}\n\n`;
  if (!behaviour.withoutDone) yield 'data: [DONE]\n\n';
}

const created = 1_700_000_000;

/** The reply cut into pieces; said over and over where a number of pieces is wished. */
function* textPieces(request: ChatRequest, behaviour: Behaviour): Generator<string> {
  const usual = request.wantsJson ? JSON.stringify({ said: request.lastUserText }) : request.lastUserText;
  const { reply = usual, chunkChars = 8, chunks } = behaviour;
  const text = reply === '' && chunks !== undefined ? 'stand-in ' : reply;
  const repeated = chunks === undefined ? text : text.repeat(Math.ceil(chunkChars / text.length) + 1);
  const count = chunks ?? Math.ceil(text.length / chunkChars);
  for (let piece = 0, at = 0; piece < count; piece += 1) {
    yield repeated.slice(at, at + chunkChars);
    at = chunks === undefined ? at + chunkChars : (at + chunkChars) % text.length;
  }
}

function usageOf(chars: number) {
  const completion_tokens = Math.ceil(chars / 4);
  return { prompt_tokens: 5, completion_tokens, total_tokens: 5 + completion_tokens };
}

function parse(body: Buffer): Record<string, unknown> {
  try {
    return record(JSON.parse(body.toString('utf8')));
  } catch {
    return {};
  }
}

function record(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}
