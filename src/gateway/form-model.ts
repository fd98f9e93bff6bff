/**
 * Finds the field "model" in a form with files (multipart/form-data, RFC 7578) while it arrives, and keeps every other
 * byte. SDKs put the file first, so what comes before the model is held: in memory while it is small, else in a file
 * that has no name any more.
 */
import { randomUUID } from 'node:crypto';
import { open, unlink, type FileHandle } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { KeywardError } from '../foundation/errors.ts';
import { arriving, type CallBody, type UploadLimits } from './call-body.ts';
import { checkEncoding, isModelName } from './read-request.ts';

const boundaryOf = /^multipart\/form-data\s*;(?:.*;)?\s*boundary=(?:"([^"\r\n]{1,70})"|([^\s;",]{1,70}))/i;
const heldInMemoryBytes = 256 * 1024;
const longestHeadBytes = 16 * 1024;
const longestModelBytes = 1024;
const headEnd = Buffer.from('\r\n\r\n');

/**
 * @returns the model, and the body with the rest of the form still arriving
 * @throws KeywardError unsupported_media_type, model_required, model_invalid, duplicate_field, and those of `arriving`
 */
export async function readFormModel(
  request: IncomingMessage,
  limits: UploadLimits,
): Promise<{ model: string; body: CallBody }> {
  const contentType = request.headers['content-type'] ?? '';
  const match = boundaryOf.exec(contentType);
  const boundary = match?.[1] ?? match?.[2];
  if (boundary === undefined)
    throw new KeywardError('unsupported_media_type', {
      message: 'Send the body as multipart/form-data, with its boundary.',
      param: 'content-type',
    });
  checkEncoding(request);
  const pieces = arriving(request, limits);
  const scan = new ModelScan(boundary);
  const before = new Held();
  try {
    for (;;) {
      const next = await pieces.next();
      const found = next.done === true ? ended : scan.take(next.value);
      if (found.ended) throw new KeywardError('model_required', { param: 'model' });
      await before.keep(found.settled);
      if (found.model === undefined) continue;
      const after = withoutModel(new ModelScan(boundary), found.rest, pieces);
      return { model: found.model, body: formBody(contentType, before, after) };
    }
  } catch (error) {
    await before.close();
    throw error;
  }
}

function formBody(contentType: string, before: Held, after: AsyncGenerator<Buffer>): CallBody {
  async function* send(model: string): AsyncGenerator<Buffer> {
    try {
      yield* before.read();
      yield Buffer.from(model);
      yield* after;
    } finally {
      await before.close();
    }
  }
  return { contentType, replayable: false, for: (model) => Readable.from(send(model)) };
}

/** @throws KeywardError duplicate_field: gateway and provider might each read another one */
async function* withoutModel(
  scan: ModelScan,
  rest: Buffer,
  pieces: AsyncGenerator<Buffer>,
): AsyncGenerator<Buffer> {
  const passed = (piece: Buffer): Buffer => {
    if (scan.take(piece).model === undefined) return piece;
    throw new KeywardError('duplicate_field', { param: 'model' });
  };
  yield passed(rest);
  for await (const piece of pieces) yield passed(piece);
}

interface Found {
  /** What stands before the model's name and will not change. */
  readonly settled: Buffer;
  readonly model?: string;
  /** What came after the model's name, so far. */
  readonly rest: Buffer;
  /** The last part is over. */
  readonly ended: boolean;
}

const waiting = -2;
const nothing = Buffer.alloc(0);
const ended: Found = { settled: nothing, rest: nothing, ended: true };

/** Walks from part to part; what a file holds is passed over by its boundary alone. */
class ModelScan {
  readonly #delimiter: Buffer;
  #pending: Buffer;
  #inHead = false;
  #isFirst = true;
  #ended = false;

  constructor(boundary: string) {
    this.#delimiter = Buffer.from(`\r\n--${boundary}`);
    // The first delimiter stands at the very beginning, without a line end before it.
    this.#pending = Buffer.from('\r\n');
  }

  take(piece: Buffer): Found {
    if (this.#ended) return ended;
    this.#pending = Buffer.concat([this.#pending, piece]);
    const settled: Buffer[] = [];
    for (;;) {
      if (!this.#inHead) {
        const at = this.#nextDelimiter(0);
        if (at === waiting) break;
        if (at === -1) {
          settled.push(this.#settle(Math.max(this.#pending.length - this.#delimiter.length, 0)));
          break;
        }
        settled.push(this.#settle(at + this.#delimiter.length));
        this.#inHead = true;
      }
      if (this.#pending.subarray(0, 2).toString('latin1') === '--') {
        this.#ended = true;
        return ended;
      }
      const end = this.#pending.indexOf(headEnd);
      if (end === -1) {
        if (this.#pending.length > longestHeadBytes) throw malformed('The head of a part is too long.');
        break;
      }
      const head = this.#pending.toString('utf8', 0, end);
      if (!isModelField(head)) {
        settled.push(this.#settle(end + 2));
        this.#inHead = false;
        continue;
      }
      const start = end + headEnd.length;
      const stop = this.#nextDelimiter(start);
      if (stop === -1 || stop === waiting) {
        if (this.#pending.length - start > longestModelBytes)
          throw new KeywardError('model_invalid', { param: 'model' });
        break;
      }
      const model = this.#pending.toString('utf8', start, stop);
      if (!isModelName(model) || stop - start > longestModelBytes)
        throw new KeywardError('model_invalid', { param: 'model' });
      settled.push(this.#settle(start));
      return {
        settled: Buffer.concat(settled),
        model,
        rest: this.#pending.subarray(stop - start),
        ended: false,
      };
    }
    return { settled: Buffer.concat(settled), rest: nothing, ended: false };
  }

  /**
   * The next one that is a delimiter and not the beginning of a longer line of a file's own.
   * @returns -1: there is none; `waiting`: there may be one, what follows it has not come yet
   */
  #nextDelimiter(from: number): number {
    for (let at = this.#pending.indexOf(this.#delimiter, from); at !== -1;) {
      const after = at + this.#delimiter.length;
      const next = this.#pending.toString('latin1', after, after + 2);
      if (next === '\r\n' || next === '--') return at;
      if (next.length < 2) return waiting;
      at = this.#pending.indexOf(this.#delimiter, at + 1);
    }
    return -1;
  }

  #settle(bytes: number): Buffer {
    const settled = this.#pending.subarray(0, bytes);
    this.#pending = this.#pending.subarray(bytes);
    if (!this.#isFirst || bytes < 2) return settled;
    this.#isFirst = false;
    return settled.subarray(2);
  }
}

function isModelField(head: string): boolean {
  const disposition = /^content-disposition:(.*)$/im.exec(head)?.[1] ?? '';
  return (
    /;\s*name=(?:"model"|model)\s*(?:;|\r|$)/i.test(disposition) && !/;\s*filename\*?=/i.test(disposition)
  );
}

function malformed(message: string): KeywardError {
  return new KeywardError('malformed_request', { message });
}

/** Bytes in the order in which they came, read once. */
class Held {
  #memory: Buffer[] = [];
  #memoryBytes = 0;
  #file: FileHandle | undefined;
  #fileBytes = 0;

  async keep(bytes: Buffer): Promise<void> {
    this.#memory.push(bytes);
    this.#memoryBytes += bytes.length;
    if (this.#memoryBytes <= heldInMemoryBytes) return;
    this.#file ??= await openNameless();
    const all = Buffer.concat(this.#memory);
    let written = 0;
    while (written < all.length)
      written += (await this.#file.write(all, written, all.length - written, this.#fileBytes + written))
        .bytesWritten;
    this.#fileBytes += all.length;
    this.#memory = [];
    this.#memoryBytes = 0;
  }

  async *read(): AsyncGenerator<Buffer> {
    for (let at = 0; this.#file !== undefined && at < this.#fileBytes;) {
      const { bytesRead, buffer } = await this.#file.read(Buffer.alloc(64 * 1024), 0, 64 * 1024, at);
      if (bytesRead === 0) break;
      at += bytesRead;
      yield buffer.subarray(0, bytesRead);
    }
    yield* this.#memory;
  }

  async close(): Promise<void> {
    await this.#file?.close();
    this.#file = undefined;
    this.#memory = [];
  }
}

/** Nobody else can open it, and nothing is left of it when the process dies. */
async function openNameless(): Promise<FileHandle> {
  const path = join(tmpdir(), `keyward-${randomUUID()}`);
  try {
    const file = await open(path, 'wx+', 0o600);
    await unlink(path);
    return file;
  } catch (error) {
    throw new KeywardError('internal_error', { cause: error });
  }
}
