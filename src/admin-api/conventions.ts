/** What holds for every route of the admin API, whatever it does. Laid before the first route is registered. */
import type { AdminApiParts } from './admin-api-parts.ts';
import { cleanReasons } from './clean-reasons.ts';
import { answerRepeats } from './idempotency.ts';
import { readJsonOnly } from './json-bodies.ts';
import { collectDocument } from './openapi.ts';
import { completeSchemas } from './refusals.ts';
import type { TypedApp } from './typed-app.ts';
import { refuseOtherWriteHeaders } from './write-headers.ts';

export async function layConventions(app: TypedApp, parts: AdminApiParts): Promise<void> {
  readJsonOnly(app);
  refuseOtherWriteHeaders(app);
  answerRepeats(app, parts);
  cleanReasons(app, parts);
  completeSchemas(app);
  await collectDocument(app);
}
