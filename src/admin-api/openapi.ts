/**
 * The document of the admin API, OpenAPI 3.1, made from the schemas of the routes: openapi.json in the root
 * of the project is what this gives.
 */
import swagger from '@fastify/swagger';
import { jsonSchemaTransform, jsonSchemaTransformObject } from 'fastify-type-provider-zod';
import { version } from '../foundation/version.ts';
import { tidyDocument, type ApiDocument } from './document/tidy-document.ts';
import type { TypedApp } from './typed-app.ts';

const description = `Administers Keyward: the providers, their keys, and what serves.

**Signing in.** Send an admin token as \`Authorization: Bearer …\`. Programs in a browser use a session instead; its writes carry the header \`x-csrf-token\`. A viewer may look, an administrator may change: each operation says which it needs.

**Keys are write-only.** No answer holds one. They are shown as a mask (\`sk-or-v…9f3a\`) and a fingerprint (\`fp_…\`), which is the same wherever this installation names the key.

**Revisions.** Every change makes a revision, and every write answers with it. Each running instance says which revision it serves; \`wait=applied\` waits for all of them.

**Two at once.** Send \`If-Match\` with the revision that you read: if the provider has changed since, the answer is 412 and nothing was changed. Send an \`Idempotency-Key\` to repeat a write that may or may not have arrived.

**Mistakes.** Unknown fields and parameters are refused, never ignored. Every error is \`{"error": {"message", "type", "param", "code"}}\`.

**Lists** come in pages: pass \`next_cursor\` as \`cursor\` until \`has_more\` is false.`;

/** Call before the routes are registered. */
export async function collectDocument(app: TypedApp): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Keyward admin API',
        version,
        description,
        license: { name: 'Apache-2.0', identifier: 'Apache-2.0' } as { name: string },
      },
      servers: [{ url: '/', description: 'The server that gave this document.' }],
      tags: [
        { name: 'keys', description: 'Set, remove, test and explain the key of a provider.' },
        { name: 'rotations', description: 'Put a new key in the place of the stored one, step by step.' },
        { name: 'health', description: 'How the keys stand, their daily tests, and how old they may grow.' },
        { name: 'providers', description: 'List, make, change and delete providers.' },
        { name: 'alerts', description: 'What is wrong, who sees to it, and where it is told.' },
        { name: 'usage', description: 'What callers used, and what it cost.' },
        { name: 'tokens', description: 'Tokens of callers and administrators.' },
        { name: 'user-keys', description: 'Keys that users brought: whose they are, and their removal.' },
        { name: 'models', description: 'Names that stand for models.' },
        { name: 'sessions', description: 'Sign in and out, with a token or by single sign-on.' },
        { name: 'audit', description: 'Who did what.' },
        { name: 'system', description: 'What runs, and how it fares.' },
        { name: 'documentation', description: 'This document.' },
      ],
      components: {
        securitySchemes: {
          token: { type: 'http', scheme: 'bearer', description: 'An admin token.' },
          session: {
            type: 'apiKey',
            in: 'cookie',
            name: 'keyward_session',
            description: 'A session of the page.',
          },
          csrf: {
            type: 'apiKey',
            in: 'header',
            name: 'x-csrf-token',
            description: 'With the session, on every write: the value that the session gave.',
          },
        },
      },
    },
    transform: jsonSchemaTransform,
    transformObject: jsonSchemaTransformObject,
  });
}

/** Once the app is ready. */
export function openapiDocument(app: TypedApp): ApiDocument {
  return tidyDocument(app.swagger() as unknown as ApiDocument);
}
