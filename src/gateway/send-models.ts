/** The list of models, and one of them, in the words of the API that asks: OpenAI's, Anthropic's, Google's. */
import type { ServerResponse } from 'node:http';
import { KeywardError } from '../foundation/errors.ts';
import type { Wire } from '../providers/provider-entry.ts';
import type { ListedModel } from './model-catalogue.ts';

/**
 * @param asked.model the one that is sent; without it all are
 * @param asked.id by which it is listed, where it may be asked for by another name
 * @throws KeywardError model_not_found
 */
export function sendModels(
  response: ServerResponse,
  asked: { readonly model: string | undefined; readonly id: string | undefined; readonly wire: Wire },
  models: readonly ListedModel[],
): void {
  const { model } = asked;
  const shape = shapes[asked.wire];
  const found =
    model === undefined
      ? undefined
      : (models.find(({ id }) => id === model) ?? models.find(({ id }) => id === asked.id));
  if (model !== undefined && found === undefined)
    throw new KeywardError('model_not_found', {
      message:
        'No such model is listed here. Models are named provider/model; one that is not listed may serve all the same.',
      param: 'model',
    });
  const body = Buffer.from(
    JSON.stringify(
      model === undefined || found === undefined ? shape.list(models) : shape.one({ ...found, id: model }),
    ),
  );
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': body.length });
  response.end(body);
}

interface Shape {
  readonly one: (model: ListedModel) => Readonly<Record<string, unknown>>;
  readonly list: (models: readonly ListedModel[]) => Readonly<Record<string, unknown>>;
}

const openai: Shape = {
  one: ({ id, slug, created }) => ({ id, object: 'model', created, owned_by: slug }),
  list: (models) => ({ object: 'list', data: models.map(openai.one) }),
};

const anthropic: Shape = {
  one: ({ id, displayName, created }) => ({
    type: 'model',
    id,
    display_name: displayName,
    created_at: new Date(created * 1000).toISOString(),
  }),
  list: (models) => ({
    data: models.map(anthropic.one),
    has_more: false,
    first_id: models[0]?.id ?? null,
    last_id: models.at(-1)?.id ?? null,
  }),
};

const google: Shape = {
  one: ({ id, displayName }) => ({ name: `models/${id}`, displayName }),
  list: (models) => ({ models: models.map(google.one) }),
};

const shapes: Readonly<Record<Wire, Shape>> = { compatible: openai, messages: anthropic, gemini: google };
