/**
 * How many tokens of which model a request used, as the provider says it at the beginning and the end of its answer, whichever API it
 * speaks. A stream that says nothing is estimated by its events, and marked so: nothing is added to what a caller
 * sends or gets.
 */
import { Tail } from '../foundation/tail.ts';
import { valueAt } from '../providers/read-answer.ts';

export interface CountedTokens {
  readonly prompt: number;
  readonly completion: number;
  /** Of the prompt, those that the provider had cached. */
  readonly cached: number;
  readonly isEstimate: boolean;
}

const headBytes = 8 * 1024;
const tailBytes = 16 * 1024;
const lineFeed = 0x0a;

/** Keeps the two ends of an answer that passes, and the number of its lines: some bytes of work for each chunk. */
export class AnswerEnds {
  readonly #head: Buffer[] = [];
  #headBytes = 0;
  readonly #tail = new Tail(tailBytes);
  #isLong = false;
  /** Events of a stream that hold data. */
  events = 0;
  readonly #isStream: boolean;

  constructor(isStream: boolean) {
    this.#isStream = isStream;
  }

  saw(chunk: Buffer): void {
    if (this.#isStream) this.events += eventsIn(chunk);
    if (this.#headBytes < headBytes) {
      const piece = chunk.subarray(0, headBytes - this.#headBytes);
      // A view holds all of what was read with it, for as long as the answer lasts.
      this.#head.push(piece.buffer.byteLength > 2 * headBytes ? Buffer.from(piece) : piece);
      this.#headBytes += piece.length;
      if (piece.length === chunk.length) return;
      this.#isLong = true;
      this.#tail.add(chunk.subarray(piece.length));
      return;
    }
    this.#isLong = true;
    this.#tail.add(chunk);
  }

  /** The whole answer, or its two ends. */
  texts(): string[] {
    const [only] = this.#head;
    const bytes = this.#head.length === 1 && only !== undefined ? only : Buffer.concat(this.#head);
    const head = bytes.toString('utf8');
    if (!this.#isLong) return [head];
    return [head, this.#tail.text('utf8')];
  }
}

function eventsIn(chunk: Buffer): number {
  let events = 0;
  for (let at = chunk.indexOf('data:'); at !== -1; at = chunk.indexOf('data:', at + 5))
    if (at === 0 || chunk[at - 1] === lineFeed) events += 1;
  return events;
}

/**
 * @param answer what passed
 * @param promptBytes length of the request's text, asked for when an estimate needs it; null where there is nothing to
 *   estimate by
 */
export function countTokens(answer: AnswerEnds, promptBytes: (() => number) | null): CountedTokens | null {
  const told = answer.texts().flatMap(usageObjects).map(tokensOf);
  const most = (of: (tokens: Tokens) => number | null): number | null => {
    const numbers = told.map(of).filter((number) => number !== null);
    return numbers.length === 0 ? null : Math.max(...numbers);
  };
  const prompt = most((tokens) => tokens.prompt);
  const completion = most((tokens) => tokens.completion);
  if (prompt !== null || completion !== null)
    return {
      prompt: prompt ?? 0,
      completion: completion ?? 0,
      cached: most((tokens) => tokens.cached) ?? 0,
      isEstimate: false,
    };
  if (answer.events === 0 || promptBytes === null) return null;
  // A token is about four characters of English, and an event of a stream mostly holds one.
  return { prompt: Math.ceil(promptBytes() / 4), completion: answer.events, cached: 0, isEstimate: true };
}

/** Within a string a quote has a backslash before it, so no text of a model passes for this. */
const beginning = /[{,\s]"(?:usage|usageMetadata)"\s*:\s*\{/y;
const longestUsageObject = 4 * 1024;

function usageObjects(text: string): Record<string, unknown>[] {
  const found: Record<string, unknown>[] = [];
  // An expression that looks for itself would try each character of a long answer.
  for (let at = text.indexOf('"usage'); at !== -1; at = text.indexOf('"usage', at + 1)) {
    beginning.lastIndex = Math.max(0, at - 1);
    if (!beginning.test(text)) continue;
    const start = beginning.lastIndex - 1;
    const end = endOfObject(text, start);
    if (end === -1) continue;
    try {
      found.push(JSON.parse(text.slice(start, end)) as Record<string, unknown>);
    } catch {
      // What is cut off or forged counts for nothing.
    }
  }
  return found;
}

/** One past the brace that closes the one at `start`; -1 where it is not there. No string in it holds a brace. */
function endOfObject(text: string, start: number): number {
  let depth = 0;
  for (let at = start; at < Math.min(text.length, start + longestUsageObject); at += 1) {
    if (text[at] === '{') depth += 1;
    if (text[at] === '}') depth -= 1;
    if (depth === 0) return at + 1;
  }
  return -1;
}

const namedModel = /(?<=[{,\s])"(?:model|modelVersion)"\s*:\s*"([^"\\]{1,300})"/;

/** The model that the answer says it is of, for a call whose request was not read; empty where it says none. */
export function modelIn(answer: AnswerEnds): string {
  return namedModel.exec(answer.texts()[0] ?? '')?.[1] ?? '';
}

interface Tokens {
  readonly prompt: number | null;
  readonly completion: number | null;
  readonly cached: number | null;
}

/** Far beyond any model's context: a provider that says more is mistaken, and says nothing. */
const mostTokens = 100_000_000;

/** OpenAI's Chat and Responses, Anthropic's Messages, Google's Gemini: each has names of its own. */
function tokensOf(usage: Record<string, unknown>): Tokens {
  const number = (...names: string[]): number | null => {
    for (const name of names) {
      const value = valueAt(usage, name);
      if (typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= mostTokens)
        return value;
    }
    return null;
  };
  const input = number('prompt_tokens', 'promptTokenCount');
  const cached = number(
    'prompt_tokens_details.cached_tokens',
    'input_tokens_details.cached_tokens',
    'cachedContentTokenCount',
    'cache_read_input_tokens',
  );
  const thoughts = number('thoughtsTokenCount') ?? 0;
  const output = number('completion_tokens', 'output_tokens', 'candidatesTokenCount');
  return {
    prompt: input ?? messagesPrompt(number),
    completion: output === null ? null : output + thoughts,
    cached,
  };
}

/** Anthropic counts what it had cached, and what it wrote into the cache, beside input_tokens and not in it. */
function messagesPrompt(number: (name: string) => number | null): number | null {
  const input = number('input_tokens');
  if (input === null) return null;
  return input + (number('cache_read_input_tokens') ?? 0) + (number('cache_creation_input_tokens') ?? 0);
}
