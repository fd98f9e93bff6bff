/**
 * What a call sends to the provider. A body that is held whole can be sent again, to another key or another provider;
 * one that is passed on while it arrives cannot, and takes no more memory than is under way.
 */
import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { KeywardError } from '../foundation/errors.ts';
import { replaceModel } from './locate-model.ts';
import { promptBytes } from './prompt-bytes.ts';
import { checkEncoding, parseModelRequest, readBody, type BodyLimits } from './read-request.ts';

export interface CallBody {
  /** Null where the request has none. */
  readonly contentType: string | null;
  /** Whether `for` may be asked a second time. */
  readonly replayable: boolean;
  /** Length of what is text in it, files and images left out: what an estimate of its tokens rests on. */
  readonly promptBytes?: () => number;
  /** @param model its name at the provider */
  for(model: string): Buffer | Readable | null;
}

export interface UploadLimits extends BodyLimits {
  readonly maxUploadBytes: number;
}

export const noBody: CallBody = { contentType: null, replayable: true, for: () => null };

/**
 * A JSON body with the model that it names, and when the last byte of it was there, before anything was made of it: on
 * the monotonic clock. @throws KeywardError 400, 408, 413
 */
export async function readModelBody(
  request: IncomingMessage,
  limits: BodyLimits,
): Promise<{ model: string; body: CallBody; arrivedAt: number }> {
  const bytes = await readBody(request, limits);
  const arrivedAt = performance.now();
  const { model, span } = parseModelRequest(bytes);
  return {
    arrivedAt,
    model,
    body: jsonBody(bytes, (name) => (name === model ? bytes : replaceModel(bytes, span, name))),
  };
}

/** A JSON body that names no model, because its path does. */
export async function readPlainBody(request: IncomingMessage, limits: BodyLimits): Promise<CallBody> {
  const bytes = await readBody(request, limits);
  return jsonBody(bytes, () => bytes);
}

function jsonBody(bytes: Buffer, forModel: CallBody['for']): CallBody {
  return {
    contentType: 'application/json',
    replayable: true,
    promptBytes: () => promptBytes(bytes),
    for: forModel,
  };
}

/** A longer one is passed on while it arrives. */
const heldBytes = 256 * 1024;

/**
 * A body of any kind, for the addresses where only the provider reads it.
 * @throws KeywardError 400, 408, 413, 415
 */
export async function readAnyBody(request: IncomingMessage, limits: UploadLimits): Promise<CallBody> {
  const { headers } = request;
  const declared = headers['content-length'];
  if (declared === undefined && headers['transfer-encoding'] === undefined) return noBody;
  checkEncoding(request);
  if (Number(declared ?? 0) > limits.maxUploadBytes) throw tooLarge(limits);
  const contentType = headers['content-type'] ?? null;
  if (Number(declared ?? Infinity) > heldBytes) {
    return { contentType, replayable: false, for: () => Readable.from(arriving(request, limits)) };
  }
  const bytes = await readBody(request, limits);
  return { contentType, replayable: true, for: () => bytes };
}

/**
 * The body piece by piece, at the pace of whoever takes them.
 * @throws KeywardError 413, 408, or 400 when the caller breaks off
 */
export async function* arriving(
  request: IncomingMessage,
  { maxUploadBytes, bodyIdleTimeoutMs }: UploadLimits,
): AsyncGenerator<Buffer> {
  let bytes = 0;
  const patience = setTimeout(() => request.destroy(new KeywardError('request_timeout')), bodyIdleTimeoutMs);
  try {
    for await (const piece of request as AsyncIterable<Buffer>) {
      bytes += piece.length;
      if (bytes > maxUploadBytes) throw tooLarge({ maxUploadBytes });
      // Waiting for the provider is not the caller's fault.
      clearTimeout(patience);
      yield piece;
      patience.refresh();
    }
  } catch (error) {
    throw error instanceof KeywardError ? error : new KeywardError('body_aborted', { cause: error });
  } finally {
    clearTimeout(patience);
  }
}

function tooLarge({ maxUploadBytes }: Pick<UploadLimits, 'maxUploadBytes'>): KeywardError {
  return new KeywardError('body_too_large', {
    message: `The request body is larger than the ${maxUploadBytes} bytes that this gateway accepts as an upload.`,
  });
}
