/** The list of models, and one of them, in the words of the API that asks: OpenAI's, Anthropic's, Google's. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { KeywardError } from '../foundation/errors.ts';
import type { Route } from './endpoints.ts';
import type { ListedModel } from './model-catalogue.ts';

/**
 * @param models all of them; where the route names one, only that is sent
 * @throws KeywardError model_not_found
 */
export async function sendModels(
  request: IncomingMessage,
  response: ServerResponse,
  route: Route,
  models: readonly ListedModel[],
): Promise<void> {
  const shape = shapeFor(request, route);
  const { model } = route;
  const found = model === undefined ? undefined : models.find(({ id }) => id === model);
  if (model !== undefined && found === undefined)
    throw new KeywardError('model_not_found', {
      message:
        'No such model is listed here. Models are named provider/model; one that is not listed may serve all the same.',
      param: 'model',
    });
  const body = Buffer.from(JSON.stringify(found === undefined ? shape.list(models) : shape.one(found)));
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': body.length });
  response.end(body);
}

interface Shape {
  readonly one: (model: ListedModel) => Readonly<Record<string, unknown>>;
  readonly list: (models: readonly ListedModel[]) => Readonly<Record<string, unknown>>;
}

/** One address serves two APIs; Anthropic's SDK always says its version. */
function shapeFor({ headers }: IncomingMessage, { endpoint }: Route): Shape {
  if (endpoint.wire === 'gemini') return google;
  return headers['anthropic-version'] === undefined ? openai : anthropic;
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
