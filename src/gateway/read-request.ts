/**
 * Takes a request with a JSON body in: headers checked before the body is read, the body read within limits of size
 * and patience, the model found. Whatever is wrong ends in an error of the catalogue.
 */
import { isUtf8 } from 'node:buffer';
import type { IncomingMessage } from 'node:http';
import { duplicateHeader } from '../foundation/duplicate-header.ts';
import { KeywardError } from '../foundation/errors.ts';
import { plainLine } from '../foundation/visible-text.ts';
import { tokenHeaders } from './caller-token.ts';
import { locateModel, type Span } from './locate-model.ts';
import { JsonFault, scanJson } from './scan-json.ts';

export interface ModelRequest {
  readonly body: Buffer;
  readonly model: string;
  /** Where the model's name stands in the body. */
  readonly span: Span;
}

export interface BodyLimits {
  readonly maxBodyBytes: number;
  readonly bodyIdleTimeoutMs: number;
}

/** Headers that decide who calls and what the body is: a second one could say something else to somebody else. */
const singular = new Set([...tokenHeaders, 'content-type', 'content-length', 'host']);

/** @throws KeywardError duplicate_header */
export function refuseDuplicateHeaders({ rawHeaders }: IncomingMessage): void {
  const twice = duplicateHeader(rawHeaders, singular);
  if (twice !== undefined) throw new KeywardError('duplicate_header', { param: twice });
}

/** JSON between programs is UTF-8 (RFC 8259, 8.1). */
const utf8 = /^charset=(?:"utf-?8"|utf-?8|us-ascii)$/;

/** @throws KeywardError 415 or 413, before a byte of the body is read */
export function checkBodyHeaders(request: IncomingMessage, limits: BodyLimits): void {
  const { headers } = request;
  const [type, ...parameters] = (headers['content-type'] ?? '')
    .toLowerCase()
    .split(';', 8)
    .map((part) => part.trim());
  const charset = parameters.find((parameter) => parameter.startsWith('charset='));
  if (type !== 'application/json' || (charset !== undefined && !utf8.test(charset)))
    throw new KeywardError('unsupported_media_type', { param: 'content-type' });
  checkEncoding(request);
  if (Number(headers['content-length'] ?? 0) > limits.maxBodyBytes) throw tooLarge(limits);
}

/** @throws KeywardError unsupported_encoding */
export function checkEncoding({ headers }: IncomingMessage): void {
  const encoding = headers['content-encoding'] ?? 'identity';
  if (encoding !== 'identity') throw new KeywardError('unsupported_encoding', { param: 'content-encoding' });
  const transfer = headers['transfer-encoding'] ?? 'chunked';
  if (transfer.trim().toLowerCase() !== 'chunked')
    throw new KeywardError('unsupported_encoding', { param: 'transfer-encoding' });
}

/** @throws KeywardError 413, 408, or 400 when the caller breaks off */
export async function readBody(request: IncomingMessage, limits: BodyLimits): Promise<Buffer> {
  // By the end of this turn the parser has taken in what came along with the head: mostly the whole body.
  await Promise.resolve();
  const declaredBytes = Number(request.headers['content-length']);
  if (request.readableLength !== declaredBytes || declaredBytes > limits.maxBodyBytes)
    return readAsItComes(request, limits);
  const body = request.read() as Buffer | null;
  request.resume();
  return body ?? Buffer.alloc(0);
}

async function readAsItComes(request: IncomingMessage, limits: BodyLimits): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    const settle = (error?: KeywardError): void => {
      clearTimeout(patience);
      request.off('data', take).off('end', settle).off('close', brokenOff).off('error', brokenOff);
      if (error instanceof KeywardError) reject(error);
      else resolve(chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks, bytes));
    };
    const take = (chunk: Buffer): void => {
      bytes += chunk.length;
      if (bytes > limits.maxBodyBytes) {
        settle(tooLarge(limits));
        return;
      }
      chunks.push(chunk);
      patience.refresh();
    };
    const brokenOff = (): void => settle(new KeywardError('body_aborted'));
    const patience = setTimeout(() => settle(new KeywardError('request_timeout')), limits.bodyIdleTimeoutMs);
    request.on('data', take).on('end', settle).on('close', brokenOff).on('error', brokenOff);
  });
}

const maxModelLength = 1_000;

/** No model is named by a blank, by pages of text, or by what neither a log nor PostgreSQL takes as it is. */
export function isModelName(text: string): boolean {
  return text.length <= maxModelLength && text.trim() !== '' && plainLine.test(text);
}

/** @throws KeywardError 400 that names the fault; never quotes the body */
export function parseModelRequest(body: Buffer): ModelRequest {
  const span = readJson(body, locateModel);
  const model = JSON.parse(body.toString('utf8', span.start, span.end)) as string;
  if (!isModelName(model)) throw new KeywardError('model_invalid', { param: 'model' });
  return { body, model, span };
}

/**
 * For bodies that are small by a limit of their own: what a large one costs, no limit of time ends.
 * @throws KeywardError 400 that names the fault; never quotes the body
 */
export function parseJsonObject(body: Buffer): object {
  readJson(body, () => scanJson(body, () => undefined));
  const value: unknown = JSON.parse(body.toString('utf8'));
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new KeywardError('body_not_object');
  return value;
}

/** @param read throws JsonFault where the body is no JSON */
function readJson<Result>(body: Buffer, read: (body: Buffer) => Result): Result {
  if (body.length === 0) throw new KeywardError('empty_body');
  if (!isUtf8(body))
    throw new KeywardError('invalid_json', { message: 'The request body is not valid UTF-8.' });
  try {
    return read(body);
  } catch (error) {
    if (!(error instanceof JsonFault)) throw error;
    const where = error.at < body.length ? `The fault is at byte ${error.at}.` : 'It ends too early.';
    throw new KeywardError('invalid_json', { message: `The request body is not valid JSON. ${where}` });
  }
}

function tooLarge(limits: BodyLimits): KeywardError {
  return new KeywardError('body_too_large', {
    message: `The request body is larger than the ${limits.maxBodyBytes} bytes that this gateway accepts.`,
  });
}
