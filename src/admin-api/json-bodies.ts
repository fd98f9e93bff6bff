/** Bodies are JSON or nothing, with each field once: every other content type is refused before it is read. */
import type { FastifyInstance } from 'fastify';
import { KeywardError } from '../foundation/errors.ts';
import { duplicateField } from './duplicate-field.ts';
import { shownName } from './shown-name.ts';

export function readJsonOnly(app: FastifyInstance): void {
  const parse = app.getDefaultJsonParser('error', 'error');
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body, done) => {
    const text = body as string;
    const coding = request.headers['content-encoding'] ?? 'identity';
    if (coding.toLowerCase() !== 'identity') {
      done(compressed());
      return;
    }
    // Some clients always name a type, also where they send nothing.
    if (text === '') {
      done(null, undefined);
      return;
    }
    void parse(request, text, (failure, value) => {
      const twice = failure === null ? duplicateField(text) : undefined;
      done(failure ?? (twice === undefined ? null : standsTwice(twice)), value);
    });
  });
}

function compressed(): KeywardError {
  return new KeywardError('unsupported_media_type', {
    message: 'A body with a Content-Encoding is not read here. Nothing was changed. Send it as it is.',
    param: 'Content-Encoding',
  });
}

function standsTwice(field: string): KeywardError {
  const name = shownName(field);
  const what =
    name === null
      ? 'A field stands more than once in the request body; its name is not repeated'
      : `The field "${name}" stands more than once in the request body`;
  return new KeywardError('duplicate_field', {
    message: `${what}. Nothing was changed. Send it once.`,
    ...(name === null ? {} : { param: name }),
  });
}
