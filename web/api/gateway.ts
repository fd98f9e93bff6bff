/** The page as a caller of the gateway: with a gateway token, and without the session. */
import { errorIn, GatewayError } from './client.ts';

interface Call {
  readonly token: string;
  readonly signal: AbortSignal;
}

/** @throws GatewayError where no answer came, or one that is no good */
async function ask(path: string, { token, signal }: Call, body?: unknown): Promise<Response> {
  try {
    return await fetch(path, {
      method: body === undefined ? 'GET' : 'POST',
      credentials: 'omit',
      cache: 'no-store',
      signal,
      headers: {
        authorization: `Bearer ${token}`,
        ...(body !== undefined && { 'content-type': 'application/json' }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
  } catch {
    signal.throwIfAborted();
    throw new GatewayError(0, 'offline', 'Keyward does not answer.');
  }
}

async function refusalIn(response: Response): Promise<GatewayError> {
  const body: unknown = await response.json().catch(() => null);
  return errorIn(response, body, GatewayError);
}

/** What the token may call, each as `provider/model`. @throws GatewayError */
export async function listModels(call: Call): Promise<string[]> {
  const response = await ask('/v1/models', call);
  if (!response.ok) throw await refusalIn(response);
  const { data } = (await response.json()) as { data: { id: string }[] };
  return data.map(({ id }) => id);
}

/** What Keyward says of a call in its headers; null where it says nothing of that. */
export interface Served {
  readonly status: number;
  readonly provider: string | null;
  readonly source: string | null;
  readonly fingerprint: string | null;
  readonly attempts: string | null;
  readonly fallback: string | null;
  readonly overheadMs: string | null;
  readonly requestId: string | null;
}

interface ChatAsked extends Call {
  /** `provider/model` */
  readonly model: string;
  readonly message: string;
  /** Once, when the head of the answer is there; of a refusal too. */
  readonly onServed: (served: Served) => void;
  readonly onText: (text: string) => void;
}

/**
 * Ends when the answer is whole.
 * @throws GatewayError for a refusal, for an error in the stream, and for a stream that breaks off
 */
export async function streamChat({ model, message, onServed, onText, ...call }: ChatAsked): Promise<void> {
  const response = await ask('/v1/chat/completions', call, {
    model,
    messages: [{ role: 'user', content: message }],
    stream: true,
  });
  onServed(servedBy(response));
  if (!response.ok) throw await refusalIn(response);
  const lines = response.body?.pipeThrough(new TextDecoderStream()).pipeThrough(intoLines());
  try {
    const reader = lines?.getReader();
    for (;;) {
      const piece = await reader?.read();
      if (piece === undefined || piece.done) return;
      const text = piece.value.flatMap((line) => textIn(response, line) ?? []).join('');
      if (text !== '') onText(text);
    }
  } catch (error) {
    call.signal.throwIfAborted();
    if (error instanceof GatewayError) throw error;
    throw new GatewayError(response.status, 'broken_off', 'The answer broke off before its end.');
  }
}

/** Whole lines, as many as a piece has brought. */
function intoLines(): TransformStream<string, string[]> {
  let rest = '';
  return new TransformStream({
    transform(piece, controller) {
      const lines = (rest + piece).split(/\r?\n/);
      rest = lines.pop() ?? '';
      controller.enqueue(lines);
    },
    flush: (controller) => controller.enqueue([rest]),
  });
}

/** @throws GatewayError for an event that holds an error */
function textIn(response: Response, line: string): string | undefined {
  const data = /^data: ?(\{.*)$/.exec(line)?.[1];
  if (data === undefined) return undefined;
  const event = JSON.parse(data) as { choices?: { delta?: { content?: string | null } }[]; error?: unknown };
  if (event.error !== undefined && event.error !== null) throw errorIn(response, event, GatewayError);
  return event.choices?.[0]?.delta?.content ?? undefined;
}

function servedBy({ status, headers }: Response): Served {
  return {
    status,
    provider: headers.get('x-keyward-provider'),
    source: headers.get('x-keyward-key-source'),
    fingerprint: headers.get('x-keyward-key-fingerprint'),
    attempts: headers.get('x-keyward-attempts'),
    fallback: headers.get('x-keyward-fallback'),
    overheadMs: headers.get('x-keyward-overhead-ms'),
    requestId: headers.get('x-request-id'),
  };
}
