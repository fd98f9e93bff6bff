import { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import type { Readable } from 'node:stream';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readFormModel } from '../../src/gateway/form-model.ts';

const limits = { maxBodyBytes: 1_000, maxUploadBytes: 4_000_000, bodyIdleTimeoutMs: 5_000 };
const boundary = 'b0undary';

type Part = readonly [name: string, content: string | Buffer, filename?: string];

function form(parts: readonly Part[], end = `--${boundary}--\r\n`): Buffer {
  return Buffer.concat([
    ...parts.map(([name, content, filename]) =>
      Buffer.concat([
        Buffer.from(
          `--${boundary}\r\nContent-Disposition: form-data; name="${name}"${filename === undefined ? '' : `; filename="${filename}"\r\nContent-Type: audio/mpeg`}\r\n\r\n`,
        ),
        Buffer.from(content),
        Buffer.from('\r\n'),
      ]),
    ),
    Buffer.from(end),
  ]);
}

function requestWith(
  body: Buffer,
  sizes: readonly number[],
  type = `multipart/form-data; boundary=${boundary}`,
) {
  const request = new IncomingMessage(new Socket());
  request.headers['content-type'] = type;
  for (let at = 0, turn = 0; at < body.length; turn += 1) {
    const size = Math.max(sizes[turn % sizes.length] ?? 1, 1);
    request.push(body.subarray(at, at + size));
    at += size;
  }
  request.push(null);
  return request;
}

async function sent(body: Buffer, { model = 'whisper-1', sizes = [1_000] as readonly number[] } = {}) {
  const read = await readFormModel(requestWith(body, sizes), limits);
  const pieces: Buffer[] = [];
  for await (const piece of read.body.for(model) as Readable) pieces.push(piece as Buffer);
  return { model: read.model, body: Buffer.concat(pieces) };
}

const refusal = async (body: Buffer, sizes: readonly number[] = [1_000]): Promise<unknown> =>
  sent(body, { sizes }).then(
    () => 'passed on',
    (error: unknown) => (error as { code: string }).code,
  );

const file = Buffer.from(Array.from({ length: 5_000 }, (_, index) => (index * 7) % 256));

describe('a form', () => {
  test('loses nothing but the model, wherever its pieces are cut, before and after the file', async () => {
    const parts: readonly Part[][] = [
      [
        ['file', file, 'talk.mp3'],
        ['model', 'openai/whisper-1'],
        ['language', 'de'],
      ],
      [
        ['model', 'openai/whisper-1'],
        ['file', file, 'talk.mp3'],
      ],
      [
        ['a', ''],
        ['model', 'openai/whisper-1'],
      ],
    ];
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...parts),
        fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1, maxLength: 6 }),
        async (fields, sizes) => {
          const renamed = fields.map(([name, content, filename]): Part =>
            filename === undefined
              ? [name, name === 'model' ? 'whisper-1' : content]
              : [name, content, filename],
          );
          const got = await sent(form(fields), { sizes });
          expect(got.model).toBe('openai/whisper-1');
          expect(got.body.equals(form(renamed))).toBe(true);
        },
      ),
      { numRuns: 60 },
    );
  });

  test('with a long file before its model is held on the disk, and arrives whole', async () => {
    const long = Buffer.alloc(1_500_000, 'long ');
    const got = await sent(
      form([
        ['file', long, 'a.mp3'],
        ['model', 'm'],
      ]),
      { model: 'n', sizes: [65_536] },
    );
    expect(
      got.body.equals(
        form([
          ['file', long, 'a.mp3'],
          ['model', 'n'],
        ]),
      ),
    ).toBe(true);
  });

  test('may hold what looks like a part within a file', async () => {
    const trap = `\r\n--${boundary}x\r\nContent-Disposition: form-data; name="model"\r\n\r\nforged\r\n--other`;
    expect(
      (
        await sent(
          form([
            ['file', trap, 'a'],
            ['model', 'm'],
          ]),
        )
      ).model,
    ).toBe('m');
  });

  test.each([
    ['has no model', form([['file', 'x', 'a.mp3']]), 'model_required'],
    ['ends before its end', form([['file', 'x', 'a.mp3']], ''), 'model_required'],
    ['has a file for a model', form([['model', 'm', 'model.txt']]), 'model_required'],
    ['has an empty model', form([['model', ' ']]), 'model_invalid'],
    ['has a NUL in its model', form([['model', 'm\0']]), 'model_invalid'],
    ['has an endless model', form([['model', 'm'.repeat(5_000)]]), 'model_invalid'],
    [
      'has two models',
      form([
        ['model', 'cheap'],
        ['file', file, 'a'],
        ['model', 'dear'],
      ]),
      'duplicate_field',
    ],
    ['has an endless head', Buffer.from(`--${boundary}\r\n${'x'.repeat(40_000)}`), 'malformed_request'],
    [
      'is longer than an upload may be',
      form([
        ['file', Buffer.alloc(5_000_000), 'a'],
        ['model', 'm'],
      ]),
      'body_too_large',
    ],
  ])('that %s is refused', async (_, body, code) => {
    expect(await refusal(body)).toBe(code);
    expect(await refusal(body, [97, 4_001])).toBe(code);
  });

  test.each(['application/json', 'multipart/form-data', 'multipart/form-data; boundary='])(
    'that is sent as %s is refused',
    async (type) => {
      await expect(readFormModel(requestWith(form([['model', 'm']]), [50], type), limits)).rejects.toThrow(
        expect.objectContaining({ code: 'unsupported_media_type' }),
      );
    },
  );
});
