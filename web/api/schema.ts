/** The admin API, generated from openapi.json by `npm run generate`; not to be changed by hand. */

export interface paths {
  "/api/openapi.json": {
    get: { parameters: { query?: never; path?: never; header?: never; }; requestBody?: never; responses: { 200: { content: { "application/json": { "openapi": string } } }; default: { content: { 'application/json': components['schemas']['Error'] } } } };
  };
  "/api/docs": {
    get: { parameters: { query?: never; path?: never; header?: never; }; requestBody?: never; responses: { 200: { content: { "text/html": string } }; default: { content: { 'application/json': components['schemas']['Error'] } } } };
  };
  "/api/docs/style.css": {
    get: { parameters: { query?: never; path?: never; header?: never; }; requestBody?: never; responses: { 200: { content: { "text/css": string } }; default: { content: { 'application/json': components['schemas']['Error'] } } } };
  };
  "/health/live": {
    get: { parameters: { query?: never; path?: never; header?: never; }; requestBody?: never; responses: { 200: { content: { "application/json": { "status": ("live") } } }; default: { content: { 'application/json': components['schemas']['Error'] } } } };
  };
  "/health/ready": {
    get: { parameters: { query?: never; path?: never; header?: never; }; requestBody?: never; responses: { 200: { content: { "application/json": components['schemas']["Ready"] } }; default: { content: { 'application/json': components['schemas']['Error'] } } } };
  };
  "/metrics": {
    get: { parameters: { query?: never; path?: never; header?: never; }; requestBody?: never; responses: { 200: { content: { "text/plain": string } }; default: { content: { 'application/json': components['schemas']['Error'] } } } };
  };
  "/api/v1/admin/status": {
    get: { parameters: { query?: never; path?: never; header?: never; }; requestBody?: never; responses: { 200: { content: { "application/json": { "version": string; 
/** The instance that answers. */
"instance_id": string; "uptime_seconds": number; "revision": number; "database": { "kind": ("embedded" | "postgres"); "description": string }; "encryption_ring": { "active_key_id": string; "key_ids": Array<string> }; "instances": Array<{ "id": string; "host": string; "pid": number; "version": string; 
/** The revision that it serves from. */
"revision": number; "started_at": string; 
/** Its last sign of life. */
"seen_at": string }>; 
/** All that runs by the clock, in the instance that answers. */
"jobs": Array<{ "name": string; 
/** When the last run ended, whether it failed or not. */
"last_run_at": (string | null); "next_run_at": (string | null); 
/** What went wrong the last time. */
"problem": (string | null) }> } } }; default: { content: { 'application/json': components['schemas']['Error'] } } } };
  };
  "/api/v1/admin/events": {
    get: { parameters: { query?: never; path?: never; header?: never; }; requestBody?: never; responses: { 200: { content: { "text/event-stream": string } }; default: { content: { 'application/json': components['schemas']['Error'] } } } };
  };
  "/api/v1/admin/system": {
    get: { parameters: { query?: never; path?: never; header?: never; }; requestBody?: never; responses: { 200: { content: { "application/json": { "migrations": Array<{ "version": string; "name": string; 
/** As `keyward migrate --check` says it. */
"state": ("applied" | "pending" | "unrecorded" | "partial" | "unfit" | "drift" | "newer"); "applied_at": (string | null); 
/** How much of the catalogue is not as expected. */
"differences": number }>; "settings": Array<{ 
/** The environment variable. */
"name": string; "section": string; "description": string; "is_set": boolean; 
/** As it was given; null where it is not set, and for every secret. */
"value": (string | null); 
/** What holds where it is not set. */
"default": string }> } } }; default: { content: { 'application/json': components['schemas']['Error'] } } } };
  };
  "/api/v1/admin/usage": {
    get: { parameters: { query?: { "from"?: string | undefined; "to"?: string | undefined; "by"?: string | undefined; "provider"?: string | undefined; "token_id"?: string | undefined }; path?: never; header?: never; }; requestBody?: never; responses: { 200: { content: { "application/json": { "from": string; "to": string; "usage": Array<{ 
/** In UTC, as 2026-01-31; null where it is not asked for. */
"day": (string | null); "provider": (string | null); 
/** As the provider knows it; empty where the requests name none. */
"model": (string | null); 
/** The token of the caller; 0 for the one of the environment, and null where it is not asked for. */
"token_id": (number | null); "token_name": (string | null); 
/** Identifies the provider key that served. */
"key_fingerprint": (string | null); "requests": number; 
/** Those of them that were answered with 400 or above, or broke off. */
"errors": number; "prompt_tokens": number; "completion_tokens": number; 
/** Of the prompts, those that the providers had cached. */
"cached_tokens": number; 
/** Of the requests whose price is known. */
"cost_usd": number; 
/** Requests that used tokens of a model whose price is not known. */
"unpriced": number; "average_latency_ms": number }> } } }; default: { content: { 'application/json': components['schemas']['Error'] } } } };
  };
  "/api/v1/admin/usage/hours": {
    get: { parameters: { query?: never; path?: never; header?: never; }; requestBody?: never; responses: { 200: { content: { "application/json": { 
/** The beginnings of the last 24 hours, the oldest first; the last one goes on. */
"hours": Array<string>; 
/** By slug; a provider that was asked nothing is missing, and a deleted one too. */
"providers": Array<{ "provider": string; 
/** Answered requests, one number for each hour. */
"requests": Array<number>; 
/** Those of them that were answered with 400 or above, or broke off. */
"errors": Array<number> }> } } }; default: { content: { 'application/json': components['schemas']['Error'] } } } };
  };
  "/api/v1/admin/encryption-keys": {
    get: { parameters: { query?: never; path?: never; header?: never; }; requestBody?: never; responses: { 200: { content: { "application/json": { 
/** Where this instance has its ring from. */
"from": string; "keys": Array<{ "id": string; 
/** missing: it is not in the ring here. */
"role": ("encrypts" | "decrypts" | "missing"); 
/** Stored rows that it opens. */
"rows": number; "first_used_at": (string | null); "age_days": (number | null); 
/** Since when nothing is stored under it. */
"retired_at": (string | null) }>; 
/** Rows that no key of the ring opens. */
"unreadable": { "rows": number; 
/** At most 10 of them. */
"first": Array<string> }; "instances": Array<{ "id": string; "host": string; "pid": number; "key_ids": Array<string> }>; 
/** The last one on the instance that answers; null: none since it started. */
"reencryption": (components['schemas']["ReencryptionRun"] | null) } } }; default: { content: { 'application/json': components['schemas']['Error'] } } } };
  };
  "/api/v1/admin/encryption-keys/reencryption": {
    get: { parameters: { query?: never; path?: never; header?: never; }; requestBody?: never; responses: { 200: { content: { "application/json": components['schemas']["ReencryptionRun"] } }; default: { content: { 'application/json': components['schemas']['Error'] } } } };
  };
  "/api/v1/admin/encryption-keys/reencrypt": {
    post: { parameters: { query?: never; path?: never; header?: { "Idempotency-Key"?: string | undefined }; }; requestBody?: { content: { "application/json": { 
/** Why, in your words; it goes into the audit trail. */
"reason"?: string | undefined } } }; responses: { 202: { content: { "application/json": components['schemas']["ReencryptionRun"] } }; default: { content: { 'application/json': components['schemas']['Error'] } } } };
  };
  "/api/v1/admin/session/methods": {
    get: { parameters: { query?: never; path?: never; header?: never; }; requestBody?: never; responses: { 200: { content: { "application/json": { "methods": Array<("token" | "oidc")>; 
/** The browser sent the cookie of a session. Whether it still holds, GET session says. */
"has_session": boolean } } }; default: { content: { 'application/json': components['schemas']['Error'] } } } };
  };
  "/api/v1/admin/session": {
    get: { parameters: { query?: never; path?: never; header?: never; }; requestBody?: never; responses: { 200: { content: { "application/json": { 
/** What was presented. */
"kind": ("admin_token" | "bootstrap_token" | "session"); 
/** Number of the token, or id of the session. */
"id": (string | null); "name": string; "role": ("admin" | "viewer"); 
/** When the token or the session ends at the latest. */
"expires_at": (string | null); 
/** Null where a token was presented. */
"session": ({ 
/** How the person signed in. */
"method": ("token" | "oidc"); 
/** For the header x-csrf-token of every request that changes something. */
"csrf_token": string; "started_at": string; 
/** After this long without a request it ends. */
"idle_timeout_seconds": number } | null) } } }; default: { content: { 'application/json': components['schemas']['Error'] } } } };
    post: { parameters: { query?: never; path?: never; header?: never; }; requestBody: { content: { "application/json": { 
/** An admin token. */
"token": string } } }; responses: { 201: { content: { "application/json": { 
/** What was presented. */
"kind": ("admin_token" | "bootstrap_token" | "session"); 
/** Number of the token, or id of the session. */
"id": (string | null); "name": string; "role": ("admin" | "viewer"); 
/** When the token or the session ends at the latest. */
"expires_at": (string | null); 
/** Null where a token was presented. */
"session": ({ 
/** How the person signed in. */
"method": ("token" | "oidc"); 
/** For the header x-csrf-token of every request that changes something. */
"csrf_token": string; "started_at": string; 
/** After this long without a request it ends. */
"idle_timeout_seconds": number } | null) } } }; default: { content: { 'application/json': components['schemas']['Error'] } } } };
    delete: { parameters: { query?: never; path?: never; header?: { "Idempotency-Key"?: string | undefined }; }; requestBody?: never; responses: { 204: { content: never }; default: { content: { 'application/json': components['schemas']['Error'] } } } };
  };
  "/api/v1/admin/sessions": {
    get: { parameters: { query?: { "limit"?: number | undefined; "cursor"?: string | undefined; "method"?: ("token" | "oidc") | undefined; "role"?: ("admin" | "viewer") | undefined; "q"?: string | undefined; "sort"?: ("started_at" | "-started_at" | "last_seen_at" | "-last_seen_at" | "expires_at" | "-expires_at" | "name" | "-name") | undefined }; path?: never; header?: never; }; requestBody?: never; responses: { 200: { content: { "application/json": { "data": Array<{ "id": string; "method": ("token" | "oidc"); "name": string; "role": ("admin" | "viewer"); 
/** Where the person signed in from. */
"address": (string | null); "user_agent": (string | null); "started_at": string; 
/** To about a minute. */
"last_seen_at": string; "expires_at": string }>; "has_more": boolean; 
/** For the parameter `cursor`; null on the last page. */
"next_cursor": (string | null) } } }; default: { content: { 'application/json': components['schemas']['Error'] } } } };
    delete: { parameters: { query?: never; path?: never; header?: { "Idempotency-Key"?: string | undefined }; }; requestBody?: never; responses: { 200: { content: { "application/json": { 
/** How many sessions there were. */
"ended": number } } }; default: { content: { 'application/json': components['schemas']['Error'] } } } };
  };
  "/api/v1/admin/sessions/{id}": {
    delete: { parameters: { query?: never; path: { "id": string }; header?: { "Idempotency-Key"?: string | undefined }; }; requestBody?: never; responses: { 204: { content: never }; default: { content: { 'application/json': components['schemas']['Error'] } } } };
  };
  "/api/v1/admin/session/oidc/start": {
    get: { parameters: { query?: { "return_to"?: string | undefined }; path?: never; header?: never; }; requestBody?: never; responses: { default: { content: { 'application/json': components['schemas']['Error'] } } } };
  };
  "/api/v1/admin/session/oidc/callback": {
    get: { parameters: { query?: never; path?: never; header?: never; }; requestBody?: never; responses: { default: { content: { 'application/json': components['schemas']['Error'] } } } };
  };
  "/api/v1/admin/tokens": {
    get: { parameters: { query?: { "limit"?: number | undefined; "cursor"?: string | undefined; "kind"?: ("admin" | "gateway") | undefined; "state"?: ("good" | "expired" | "revoked") | undefined; "q"?: string | undefined; "sort"?: ("id" | "-id" | "name" | "-name" | "created_at" | "-created_at" | "expires_at" | "-expires_at" | "last_used_at" | "-last_used_at") | undefined }; path?: never; header?: never; }; requestBody?: never; responses: { 200: { content: { "application/json": { "data": Array<{ "id": number; 
/** admin: for this API; gateway: for callers of models. */
"kind": ("admin" | "gateway"); "name": string; 
/** Of an admin token. */
"role": (("admin" | "viewer") | null); 
/** Its first characters, to recognise it by. */
"prefix": string; "state": ("good" | "expired" | "revoked"); "created_at": string; "expires_at": (string | null); 
/** To about a minute; of admin tokens only. */
"last_used_at": (string | null); "revoked_at": (string | null); 
/** The user whose token it is. */
"owner": (string | null); 
/** Null: all. */
"allowed_providers": (Array<string> | null); 
/** Null: all. */
"allowed_models": (Array<string> | null); 
/** Null: no limit. */
"requests_per_minute": (number | null); 
/** Null: no limit. */
"tokens_per_minute": (number | null); 
/** Null: no limit. */
"daily_budget_usd": (number | null); 
/** Null: no limit. */
"monthly_budget_usd": (number | null) }>; "has_more": boolean; 
/** For the parameter `cursor`; null on the last page. */
"next_cursor": (string | null) } } }; default: { content: { 'application/json': components['schemas']['Error'] } } } };
    post: { parameters: { query?: { "wait"?: ("applied") | undefined }; path?: never; header?: { "Idempotency-Key"?: string | undefined }; }; requestBody: { content: { "application/json": { 
/** admin: for this API; gateway: for callers of models. */
"kind"?: ("admin" | "gateway") | undefined; "name": string; 
/** Of an admin token; admin where it is left out. */
"role"?: ("admin" | "viewer") | undefined; 
/** Left out: until it is revoked. */
"expires_at"?: string | undefined; 
/** The user whose token it is, as `user_api_keys.user_id` names them: their own keys come first. */
"owner"?: (string | null) | undefined; 
/** Slugs of providers; null: all. */
"allowed_providers"?: (Array<string> | null) | undefined; 
/** Models as `provider/model`, with * for any text; null: all. */
"allowed_models"?: (Array<(unknown) & (unknown)> | null) | undefined; 
/** Null: no limit. */
"requests_per_minute"?: (number | null) | undefined; 
/** Tokens of prompts and answers together; null: no limit. */
"tokens_per_minute"?: (number | null) | undefined; 
/** Of a day in UTC; null: no limit. */
"daily_budget_usd"?: (number | null) | undefined; 
/** Of a month in UTC; null: no limit. */
"monthly_budget_usd"?: (number | null) | undefined; 
/** Why, in your words; it goes into the audit trail. */
"reason"?: string | undefined } } }; responses: { 201: { content: { "application/json": { "id": number; 
/** admin: for this API; gateway: for callers of models. */
"kind": ("admin" | "gateway"); "name": string; 
/** Of an admin token. */
"role": (("admin" | "viewer") | null); 
/** Its first characters, to recognise it by. */
"prefix": string; "state": ("good" | "expired" | "revoked"); "created_at": string; "expires_at": (string | null); 
/** To about a minute; of admin tokens only. */
"last_used_at": (string | null); "revoked_at": (string | null); 
/** The user whose token it is. */
"owner": (string | null); 
/** Null: all. */
"allowed_providers": (Array<string> | null); 
/** Null: all. */
"allowed_models": (Array<string> | null); 
/** Null: no limit. */
"requests_per_minute": (number | null); 
/** Null: no limit. */
"tokens_per_minute": (number | null); 
/** Null: no limit. */
"daily_budget_usd": (number | null); 
/** Null: no limit. */
"monthly_budget_usd": (number | null); 
/** The token itself. It cannot be read again. */
"token": string; 
/** The revision that the write made, or the last one where it changed nothing that serves. */
"revision": number; 
/** With `wait=applied`: which instances serve the revision after 10 s at most; else null. */
"applied": (components['schemas']["Applied"] | null) } } }; default: { content: { 'application/json': components['schemas']['Error'] } } } };
  };
  "/api/v1/admin/tokens/{id}": {
    patch: { parameters: { query?: { "wait"?: ("applied") | undefined }; path: { "id": string }; header?: { "Idempotency-Key"?: string | undefined }; }; requestBody: { content: { "application/json": { 
/** The user whose token it is, as `user_api_keys.user_id` names them: their own keys come first. */
"owner"?: (string | null) | undefined; 
/** Slugs of providers; null: all. */
"allowed_providers"?: (Array<string> | null) | undefined; 
/** Models as `provider/model`, with * for any text; null: all. */
"allowed_models"?: (Array<(unknown) & (unknown)> | null) | undefined; 
/** Null: no limit. */
"requests_per_minute"?: (number | null) | undefined; 
/** Tokens of prompts and answers together; null: no limit. */
"tokens_per_minute"?: (number | null) | undefined; 
/** Of a day in UTC; null: no limit. */
"daily_budget_usd"?: (number | null) | undefined; 
/** Of a month in UTC; null: no limit. */
"monthly_budget_usd"?: (number | null) | undefined; 
/** Why, in your words; it goes into the audit trail. */
"reason"?: string | undefined } } }; responses: { 200: { content: { "application/json": { "id": number; 
/** The user whose token it is. */
"owner": (string | null); 
/** Null: all. */
"allowed_providers": (Array<string> | null); 
/** Null: all. */
"allowed_models": (Array<string> | null); 
/** Null: no limit. */
"requests_per_minute": (number | null); 
/** Null: no limit. */
"tokens_per_minute": (number | null); 
/** Null: no limit. */
"daily_budget_usd": (number | null); 
/** Null: no limit. */
"monthly_budget_usd": (number | null); 
/** The revision that the write made, or the last one where it changed nothing that serves. */
"revision": number; 
/** With `wait=applied`: which instances serve the revision after 10 s at most; else null. */
"applied": (components['schemas']["Applied"] | null) } } }; default: { content: { 'application/json': components['schemas']['Error'] } } } };
    delete: { parameters: { query?: { "wait"?: ("applied") | undefined }; path: { "id": string }; header?: { "Idempotency-Key"?: string | undefined }; }; requestBody?: never; responses: { 200: { content: { "application/json": { "id": number; 
/** The revision that the write made, or the last one where it changed nothing that serves. */
"revision": number; 
/** With `wait=applied`: which instances serve the revision after 10 s at most; else null. */
"applied": (components['schemas']["Applied"] | null) } } }; default: { content: { 'application/json': components['schemas']['Error'] } } } };
  };
  "/api/v1/admin/user-keys": {
    get: { parameters: { query?: { "limit"?: number | undefined; "cursor"?: string | undefined; "owner"?: string | undefined; "provider"?: string | undefined; "q"?: string | undefined; "sort"?: ("owner" | "-owner" | "created_at" | "-created_at" | "last_validated_at" | "-last_validated_at") | undefined }; path?: never; header?: never; }; requestBody?: never; responses: { 200: { content: { "application/json": { "data": Array<components['schemas']["UserKey"]>; "has_more": boolean; 
/** For the parameter `cursor`; null on the last page. */
"next_cursor": (string | null) } } }; default: { content: { 'application/json': components['schemas']['Error'] } } } };
  };
  "/api/v1/admin/user-keys/{id}": {
    delete: { parameters: { query?: { "wait"?: ("applied") | undefined }; path: { "id": string }; header?: { "Idempotency-Key"?: string | undefined }; }; requestBody?: { content: { "application/json": { 
/** Why, in your words; it goes into the audit trail. */
"reason"?: string | undefined } } }; responses: { 200: { content: { "application/json": { "id": number; "owner": string; "provider": string; 
/** The revision that the write made, or the last one where it changed nothing that serves. */
"revision": number; 
/** With `wait=applied`: which instances serve the revision after 10 s at most; else null. */
"applied": (components['schemas']["Applied"] | null) } } }; default: { content: { 'application/json': components['schemas']['Error'] } } } };
  };
  "/api/v1/admin/model-aliases": {
    get: { parameters: { query?: never; path?: never; header?: never; }; requestBody?: never; responses: { 200: { content: { "application/json": { "data": Array<{ "alias": string; "targets": Array<string>; "changed_by": string; "changed_at": string }> } } }; default: { content: { 'application/json': components['schemas']['Error'] } } } };
    put: { parameters: { query?: { "wait"?: ("applied") | undefined }; path?: never; header?: { "Idempotency-Key"?: string | undefined }; }; requestBody: { content: { "application/json": { 
/** What callers ask for; with a * at its end, whatever begins so. */
"alias": (unknown) & (unknown); 
/** Models as `provider/model`, or other aliases: the first, and those to fall back to. * stands for what the alias had there. */
"targets": Array<(unknown) & (unknown)>; 
/** Why, in your words; it goes into the audit trail. */
"reason"?: string | undefined } } }; responses: { 200: { content: { "application/json": { "alias": string; "targets": Array<string>; 
/** The revision that the write made, or the last one where it changed nothing that serves. */
"revision": number; 
/** With `wait=applied`: which instances serve the revision after 10 s at most; else null. */
"applied": (components['schemas']["Applied"] | null) } } }; default: { content: { 'application/json': components['schemas']['Error'] } } } };
    delete: { parameters: { query: { "alias": (unknown) & (unknown); "wait"?: ("applied") | undefined }; path?: never; header?: { "Idempotency-Key"?: string | undefined }; }; requestBody?: never; responses: { 200: { content: { "application/json": { "alias": string; 
/** The revision that the write made, or the last one where it changed nothing that serves. */
"revision": number; 
/** With `wait=applied`: which instances serve the revision after 10 s at most; else null. */
"applied": (components['schemas']["Applied"] | null) } } }; default: { content: { 'application/json': components['schemas']['Error'] } } } };
  };
  "/api/v1/admin/providers": {
    get: { parameters: { query?: { "limit"?: number | undefined; "cursor"?: string | undefined; "source"?: string | undefined; "is_active"?: boolean | undefined; "status"?: ("valid" | "invalid" | "untested" | "error" | "none") | undefined; "q"?: string | undefined; "sort"?: ("slug" | "-slug" | "display_name" | "-display_name" | "key_updated_at" | "-key_updated_at" | "last_tested" | "-last_tested") | undefined }; path?: never; header?: never; }; requestBody?: never; responses: { 200: { content: { "application/json": { "data": Array<components['schemas']["Provider"]>; "has_more": boolean; 
/** For the parameter `cursor`; null on the last page. */
"next_cursor": (string | null) } } }; default: { content: { 'application/json': components['schemas']['Error'] } } } };
    post: { parameters: { query?: { "wait"?: ("applied") | undefined }; path?: never; header?: { "Idempotency-Key"?: string | undefined }; }; requestBody: { content: { "application/json": { 
/** Short name: callers say `slug/model`, and the environment `{SLUG}_API_KEY`. */
"slug": string; "display_name": string; 
/** The OpenAI-compatible base URL: https, unless it is loopback or allowed by name. May be left out for a provider that Keyward knows. */
"base_url"?: (string | null) | undefined; "source"?: ("environment" | "database" | "hybrid") | undefined; "is_active"?: boolean | undefined; 
/** More headers for requests to the provider, in place of those before; no secrets. */
"request_headers"?: (Record<string, string> | null) | undefined; 
/** Whether the address may lead into a private network. */
"allow_private_network"?: boolean | undefined; 
/** Whether users may bring keys of their own; the keys that are there stay, and do not serve without. */
"is_byok_supported"?: boolean | undefined; 
/** Why, in your words; it goes into the audit trail. */
"reason"?: string | undefined } } }; responses: { 201: { content: { "application/json": { 
/** The revision that the write made, or the last one where it changed nothing that serves. */
"revision": number; 
/** With `wait=applied`: which instances serve the revision after 10 s at most; else null. */
"applied": (components['schemas']["Applied"] | null); "provider": components['schemas']["Provider"] } } }; default: { content: { 'application/json': components['schemas']['Error'] } } } };
  };
  "/api/v1/admin/providers/{slug}": {
    get: { parameters: { query?: never; path: { "slug": string }; header?: never; }; requestBody?: never; responses: { 200: { content: { "application/json": components['schemas']["Provider"] } }; default: { content: { 'application/json': components['schemas']['Error'] } } } };
    patch: { parameters: { query?: { "wait"?: ("applied") | undefined }; path: { "slug": string }; header?: { "If-Match"?: string | undefined; "Idempotency-Key"?: string | undefined }; }; requestBody: { content: { "application/json": { "display_name"?: string | undefined; 
/** Null: the one that Keyward knows. */
"base_url"?: (string | null) | undefined; "source"?: ("environment" | "database" | "hybrid") | undefined; "is_active"?: boolean | undefined; 
/** More headers for requests to the provider, in place of those before; no secrets. */
"request_headers"?: (Record<string, string> | null) | undefined; 
/** Whether the address may lead into a private network. */
"allow_private_network"?: boolean | undefined; 
/** Whether users may bring keys of their own; the keys that are there stay, and do not serve without. */
"is_byok_supported"?: boolean | undefined; 
/** Why, in your words; it goes into the audit trail. */
"reason"?: string | undefined } } }; responses: { 200: { content: { "application/json": { 
/** The revision that the write made, or the last one where it changed nothing that serves. */
"revision": number; 
/** With `wait=applied`: which instances serve the revision after 10 s at most; else null. */
"applied": (components['schemas']["Applied"] | null); "provider": components['schemas']["Provider"]; 
/** The stored key must be set again before it serves. */
"parked": boolean } } }; default: { content: { 'application/json': components['schemas']['Error'] } } } };
    delete: { parameters: { query?: { "wait"?: ("applied") | undefined; "force"?: boolean | undefined }; path: { "slug": string }; header?: { "If-Match"?: string | undefined; "Idempotency-Key"?: string | undefined }; }; requestBody?: { content: { "application/json": { 
/** Why, in your words; it goes into the audit trail. */
"reason"?: string | undefined } } }; responses: { 200: { content: { "application/json": { "slug": string; "deleted": (true); 
/** The revision that the write made, or the last one where it changed nothing that serves. */
"revision": number; 
/** With `wait=applied`: which instances serve the revision after 10 s at most; else null. */
"applied": (components['schemas']["Applied"] | null) } } }; default: { content: { 'application/json': components['schemas']['Error'] } } } };
  };
  "/api/v1/admin/providers/{slug}/set-key": {
    post: { parameters: { query?: { "wait"?: ("applied") | undefined }; path: { "slug": string }; header?: { "If-Match"?: string | undefined; "Idempotency-Key"?: string | undefined }; }; requestBody: { content: { "application/json": { 
/** The key. No answer ever holds it. */
"api_key": string; 
/** Where the key is to be found from now on. By default database, unless it is hybrid. */
"source"?: ("environment" | "database" | "hybrid") | undefined; 
/** Why, in your words; it goes into the audit trail. */
"reason"?: string | undefined; 
/** Store the key without asking the provider. */
"skip_test"?: boolean | undefined; 
/** When the key ends, where the provider does not say. */
"expires_at"?: string | undefined } } }; responses: { 200: { content: { "application/json": { "provider": string; "source": string; "mask": string; "fingerprint": string; 
/** What the provider said; null where it was not asked. */
"verdict": (("valid" | "invalid" | "compromised" | "restricted" | "out_of_credit" | "rate_limited" | "region_blocked" | "unreachable" | "unknown") | null); "message": string; "advice": string; "tested_at": (string | null); 
/** What is worth knowing and stopped nothing. */
"warnings": Array<string>; 
/** The revision that the write made, or the last one where it changed nothing that serves. */
"revision": number; 
/** With `wait=applied`: which instances serve the revision after 10 s at most; else null. */
"applied": (components['schemas']["Applied"] | null) } } }; default: { content: { 'application/json': components['schemas']['Error'] } } } };
  };
  "/api/v1/admin/providers/{slug}/key-expiry": {
    put: { parameters: { query?: { "wait"?: ("applied") | undefined }; path: { "slug": string }; header?: { "If-Match"?: string | undefined; "Idempotency-Key"?: string | undefined }; }; requestBody: { content: { "application/json": { 
/** Null: it is not known to end. */
"expires_at": (string | null); 
/** Why, in your words; it goes into the audit trail. */
"reason"?: string | undefined } } }; responses: { 200: { content: { "application/json": { "provider": string; "mask": (string | null); "fingerprint": (string | null); "expires_at": (string | null); 
/** The revision that the write made, or the last one where it changed nothing that serves. */
"revision": number; 
/** With `wait=applied`: which instances serve the revision after 10 s at most; else null. */
"applied": (components['schemas']["Applied"] | null) } } }; default: { content: { 'application/json': components['schemas']['Error'] } } } };
  };
  "/api/v1/admin/providers/{slug}/remove-key": {
    delete: { parameters: { query?: { "wait"?: ("applied") | undefined }; path: { "slug": string }; header?: { "If-Match"?: string | undefined; "Idempotency-Key"?: string | undefined }; }; requestBody?: { content: { "application/json": { 
/** Why, in your words; it goes into the audit trail. */
"reason"?: string | undefined } } }; responses: { 200: { content: { "application/json": { "provider": string; 
/** False: no key was stored. */
"removed": boolean; "source": string; 
/** What is worth knowing and stopped nothing. */
"warnings": Array<string>; 
/** The revision that the write made, or the last one where it changed nothing that serves. */
"revision": number; 
/** With `wait=applied`: which instances serve the revision after 10 s at most; else null. */
"applied": (components['schemas']["Applied"] | null) } } }; default: { content: { 'application/json': components['schemas']['Error'] } } } };
  };
  "/api/v1/admin/providers/{slug}/test-key": {
    post: { parameters: { query?: never; path: { "slug": string }; header?: { "Idempotency-Key"?: string | undefined }; }; requestBody?: { content: { "application/json": { 
/** A candidate; absent: the key that serves. */
"api_key"?: string | undefined; 
/** Why, in your words; it goes into the audit trail. */
"reason"?: string | undefined } } }; responses: { 200: { content: { "application/json": { 
/** True for the verdict valid only. False does not mean that the key is dead: see `verdict`. */
"is_valid": boolean; "response_time_ms": number; "tested_at": string; 
/** What the answer says of the key. Only valid, invalid and compromised are proof. */
"verdict": ("valid" | "invalid" | "compromised" | "restricted" | "out_of_credit" | "rate_limited" | "region_blocked" | "unreachable" | "unknown"); 
/** What is known now, in a sentence or two. */
"message": string; 
/** What to do next. */
"advice": string; 
/** The provider's own code, or the name of the rule that decided. */
"code": (string | null); 
/** Null where no answer came. */
"http_status": (number | null); 
/** How many models the key may use, where the provider lists them. */
"models_available": (number | null); 
/** How much the key may spend; null also where it has no limit. */
"limit_usd": (number | null); 
/** After what the limit begins anew. */
"limit_reset": (string | null); "remaining_usd": (number | null); "usage_usd": (number | null); "expires_at": (string | null); 
/** What the key is called at the provider; without a name of its own, how it begins and ends. */
"key_name": (string | null); "organisation": (string | null); 
/** What it may call, in the words of the provider. */
"permissions": (Array<string> | null); "provider": string; 
/** Where the tested key came from. */
"source": ("database" | "environment" | "candidate"); "mask": string; "fingerprint": string; 
/** What is worth knowing and stopped nothing. */
"warnings": Array<string>; 
/** A new one where the result changes what serves. */
"revision": number } } }; default: { content: { 'application/json': components['schemas']['Error'] } } } };
  };
  "/api/v1/admin/providers/{slug}/key-status": {
    get: { parameters: { query?: never; path: { "slug": string }; header?: never; }; requestBody?: never; responses: { 200: { content: { "application/json": { "provider": string; "is_active": boolean; "source": string; "stored_key": (components['schemas']["StoredKey"] | null); 
/** By the environment of the instance that answers. */
"would_serve": { 
/** Where the key comes from; null: none serves. */
"source": (("database" | "environment") | null); "fingerprint": (string | null); 
/** Why a hybrid provider is not served by its stored key. */
"fallback": (("database_key_unreadable" | "database_key_parked" | "database_key_dead") | null); 
/** Why, in a sentence. */
"reason": string; "mask": (string | null) }; 
/** Of the stored key. */
"mask": (string | null); 
/** Of the stored key. */
"age_days": (number | null); 
/** Of the key that would serve. */
"last_tested_at": (string | null); 
/** The last one on the key that would serve; null: it was never tested. */
"verdict": (string | null); "last_test": (components['schemas']["LastTest"] | null); 
/** The revision in which the provider changed last. */
"revision": number; "instances": Array<{ "id": string; "host": string; "pid": number; 
/** The revision that it serves from. */
"revision": number; 
/** It serves the last change of this provider. */
"up_to_date": boolean; 
/** Null: the provider is not active there. */
"serves": (components['schemas']["Serves"] | null) }> } } }; default: { content: { 'application/json': components['schemas']['Error'] } } } };
  };
  "/api/v1/admin/providers/{slug}/tests": {
    get: { parameters: { query?: { "limit"?: number | undefined; "cursor"?: string | undefined; "verdict"?: ("valid" | "invalid" | "compromised" | "restricted" | "out_of_credit" | "rate_limited" | "region_blocked" | "unreachable" | "unknown") | undefined }; path: { "slug": string }; header?: never; }; requestBody?: never; responses: { 200: { content: { "application/json": { "data": Array<components['schemas']["RecordedTest"]>; "has_more": boolean; 
/** For the parameter `cursor`; null on the last page. */
"next_cursor": (string | null) } } }; default: { content: { 'application/json': components['schemas']['Error'] } } } };
  };
  "/api/v1/admin/providers/{slug}/resolve": {
    get: { parameters: { query?: { "source"?: ("environment" | "database" | "hybrid") | undefined; "stored_key"?: ("present" | "absent" | "unreadable" | "dead") | undefined; "environment"?: ("present" | "absent") | undefined }; path: { "slug": string }; header?: never; }; requestBody?: never; responses: { 200: { content: { "application/json": { "provider": string; "is_active": boolean; "assumed": { "source": (string | null); "stored_key": (string | null); "environment": (string | null) }; "serves": { 
/** Where the key comes from; null: none serves. */
"source": (("database" | "environment") | null); "fingerprint": (string | null); 
/** Why a hybrid provider is not served by its stored key. */
"fallback": (("database_key_unreadable" | "database_key_parked" | "database_key_dead") | null); 
/** Why, in a sentence. */
"reason": string; "mask": (string | null); 
/** The key exists only by assumption, so it has no fingerprint. */
"is_assumed": boolean; 
/** A key that should serve and cannot be used. */
"problem": (string | null) }; "environment_variable": string; "upstream": components['schemas']["Upstream"] } } }; default: { content: { 'application/json': components['schemas']['Error'] } } } };
  };
  "/api/v1/admin/providers/test-all": {
    post: { parameters: { query?: never; path?: never; header?: { "Idempotency-Key"?: string | undefined }; }; requestBody?: { content: { "application/json": { 
/** Why, in your words; it goes into the audit trail. */
"reason"?: string | undefined } } }; responses: { 200: { content: { "application/json": { "tested": number; "pending": number; "data": Array<{ "provider": string; 
/** `skipped`: there is nothing to ask, or not now; `pending`: the time was up. */
"outcome": ("tested" | "skipped" | "pending"); 
/** Why it was not tested. */
"reason": (string | null); "source": (("database" | "environment") | null); "fingerprint": (string | null); "result": ({ 
/** True for the verdict valid only. False does not mean that the key is dead: see `verdict`. */
"is_valid": boolean; "response_time_ms": number; "tested_at": string; 
/** What the answer says of the key. Only valid, invalid and compromised are proof. */
"verdict": ("valid" | "invalid" | "compromised" | "restricted" | "out_of_credit" | "rate_limited" | "region_blocked" | "unreachable" | "unknown"); 
/** What is known now, in a sentence or two. */
"message": string; 
/** What to do next. */
"advice": string; 
/** The provider's own code, or the name of the rule that decided. */
"code": (string | null); 
/** Null where no answer came. */
"http_status": (number | null); 
/** How many models the key may use, where the provider lists them. */
"models_available": (number | null); 
/** How much the key may spend; null also where it has no limit. */
"limit_usd": (number | null); 
/** After what the limit begins anew. */
"limit_reset": (string | null); "remaining_usd": (number | null); "usage_usd": (number | null); "expires_at": (string | null); 
/** What the key is called at the provider; without a name of its own, how it begins and ends. */
"key_name": (string | null); "organisation": (string | null); 
/** What it may call, in the words of the provider. */
"permissions": (Array<string> | null) } | null) }> } } }; default: { content: { 'application/json': components['schemas']['Error'] } } } };
  };
  "/api/v1/admin/providers/{slug}/rotations": {
    get: { parameters: { query?: { "limit"?: number | undefined; "cursor"?: string | undefined; "state"?: ("open" | "ended" | "all") | undefined }; path: { "slug": string }; header?: never; }; requestBody?: never; responses: { 200: { content: { "application/json": { "data": Array<components['schemas']["Rotation"]>; "has_more": boolean; 
/** For the parameter `cursor`; null on the last page. */
"next_cursor": (string | null) } } }; default: { content: { 'application/json': components['schemas']['Error'] } } } };
    post: { parameters: { query?: { "wait"?: ("applied") | undefined }; path: { "slug": string }; header?: { "If-Match"?: string | undefined; "Idempotency-Key"?: string | undefined }; }; requestBody: { content: { "application/json": { 
/** The new key. No answer ever holds it. Absent: the provider makes one (`mint`). */
"api_key"?: string | undefined; 
/** Let the provider make the key; needs the management credential. */
"mint"?: boolean | undefined; 
/** Keyward takes the further steps by itself, behind the same proofs. */
"automatic"?: boolean | undefined; 
/** Which share of the calls the new key serves while it is tried, in percent; 5 where absent. */
"canary_percent"?: number | undefined; 
/** With `automatic`: how long the new key is tried at least. */
"canary_seconds"?: number | undefined; 
/** With `automatic`: how many calls must have been answered with it. */
"canary_min_calls"?: number | undefined; 
/** How long the old key stays as the fallback; a day where absent. */
"soak_seconds"?: number | undefined; 
/** When the new key ends, where the provider does not say. */
"expires_at"?: string | undefined; 
/** Why, in your words; it goes into the audit trail. */
"reason"?: string | undefined } } }; responses: { 200: { content: { "application/json": { "rotation": components['schemas']["Rotation"]; 
/** The revision that the write made, or the last one where it changed nothing that serves. */
"revision": number; 
/** With `wait=applied`: which instances serve the revision after 10 s at most; else null. */
"applied": (components['schemas']["Applied"] | null); "warnings": Array<string> } } }; default: { content: { 'application/json': components['schemas']['Error'] } } } };
  };
  "/api/v1/admin/providers/{slug}/rotations/{id}": {
    get: { parameters: { query?: never; path: { "slug": string; "id": string }; header?: never; }; requestBody?: never; responses: { 200: { content: { "application/json": components['schemas']["Rotation"] } }; default: { content: { 'application/json': components['schemas']['Error'] } } } };
  };
  "/api/v1/admin/providers/{slug}/key-versions": {
    get: { parameters: { query?: never; path: { "slug": string }; header?: never; }; requestBody?: never; responses: { 200: { content: { "application/json": { "data": Array<components['schemas']["KeyVersion"]> } } }; default: { content: { 'application/json': components['schemas']['Error'] } } } };
  };
  "/api/v1/admin/providers/{slug}/rotations/{id}/test": {
    post: { parameters: { query?: { "wait"?: ("applied") | undefined }; path: { "slug": string; "id": string }; header?: { "If-Match"?: string | undefined; "Idempotency-Key"?: string | undefined }; }; requestBody?: { content: { "application/json": { 
/** Also make a chat of one token, which is spent. */
"spend"?: boolean | undefined; 
/** For that call; the first active one of the provider where absent. */
"model"?: string | undefined; 
/** Why, in your words; it goes into the audit trail. */
"reason"?: string | undefined } } }; responses: { 200: { content: { "application/json": { "rotation": components['schemas']["Rotation"]; 
/** The revision that the write made, or the last one where it changed nothing that serves. */
"revision": number; 
/** With `wait=applied`: which instances serve the revision after 10 s at most; else null. */
"applied": (components['schemas']["Applied"] | null); "test": { 
/** True for the verdict valid only. False does not mean that the key is dead: see `verdict`. */
"is_valid": boolean; "response_time_ms": number; "tested_at": string; 
/** What the answer says of the key. Only valid, invalid and compromised are proof. */
"verdict": ("valid" | "invalid" | "compromised" | "restricted" | "out_of_credit" | "rate_limited" | "region_blocked" | "unreachable" | "unknown"); 
/** What is known now, in a sentence or two. */
"message": string; 
/** What to do next. */
"advice": string; 
/** The provider's own code, or the name of the rule that decided. */
"code": (string | null); 
/** Null where no answer came. */
"http_status": (number | null); 
/** How many models the key may use, where the provider lists them. */
"models_available": (number | null); 
/** How much the key may spend; null also where it has no limit. */
"limit_usd": (number | null); 
/** After what the limit begins anew. */
"limit_reset": (string | null); "remaining_usd": (number | null); "usage_usd": (number | null); "expires_at": (string | null); 
/** What the key is called at the provider; without a name of its own, how it begins and ends. */
"key_name": (string | null); "organisation": (string | null); 
/** What it may call, in the words of the provider. */
"permissions": (Array<string> | null) } } } }; default: { content: { 'application/json': components['schemas']['Error'] } } } };
  };
  "/api/v1/admin/providers/{slug}/rotations/{id}/canary": {
    post: { parameters: { query?: { "wait"?: ("applied") | undefined }; path: { "slug": string; "id": string }; header?: { "If-Match"?: string | undefined; "Idempotency-Key"?: string | undefined }; }; requestBody?: { content: { "application/json": { 
/** Go on although the proof does not allow it. Needs a reason; the audit trail says so. */
"force"?: boolean | undefined; 
/** Which share of the calls the new key serves while it is tried, in percent; 5 where absent. */
"percent"?: number | undefined; 
/** Why, in your words; it goes into the audit trail. */
"reason"?: string | undefined } } }; responses: { 200: { content: { "application/json": { "rotation": components['schemas']["Rotation"]; 
/** The revision that the write made, or the last one where it changed nothing that serves. */
"revision": number; 
/** With `wait=applied`: which instances serve the revision after 10 s at most; else null. */
"applied": (components['schemas']["Applied"] | null) } } }; default: { content: { 'application/json': components['schemas']['Error'] } } } };
  };
  "/api/v1/admin/providers/{slug}/rotations/{id}/promote": {
    post: { parameters: { query?: { "wait"?: ("applied") | undefined }; path: { "slug": string; "id": string }; header?: { "If-Match"?: string | undefined; "Idempotency-Key"?: string | undefined }; }; requestBody?: { content: { "application/json": { 
/** Go on although the proof does not allow it. Needs a reason; the audit trail says so. */
"force"?: boolean | undefined; 
/** Why, in your words; it goes into the audit trail. */
"reason"?: string | undefined } } }; responses: { 200: { content: { "application/json": { "rotation": components['schemas']["Rotation"]; 
/** The revision that the write made, or the last one where it changed nothing that serves. */
"revision": number; 
/** With `wait=applied`: which instances serve the revision after 10 s at most; else null. */
"applied": (components['schemas']["Applied"] | null) } } }; default: { content: { 'application/json': components['schemas']['Error'] } } } };
  };
  "/api/v1/admin/providers/{slug}/rotations/{id}/rollback": {
    post: { parameters: { query?: { "wait"?: ("applied") | undefined }; path: { "slug": string; "id": string }; header?: { "If-Match"?: string | undefined; "Idempotency-Key"?: string | undefined }; }; requestBody?: { content: { "application/json": { 
/** Go on although the proof does not allow it. Needs a reason; the audit trail says so. */
"force"?: boolean | undefined; 
/** Why, in your words; it goes into the audit trail. */
"reason"?: string | undefined } } }; responses: { 200: { content: { "application/json": { "rotation": components['schemas']["Rotation"]; 
/** The revision that the write made, or the last one where it changed nothing that serves. */
"revision": number; 
/** With `wait=applied`: which instances serve the revision after 10 s at most; else null. */
"applied": (components['schemas']["Applied"] | null) } } }; default: { content: { 'application/json': components['schemas']['Error'] } } } };
  };
  "/api/v1/admin/providers/{slug}/rotations/{id}/retire": {
    post: { parameters: { query?: { "wait"?: ("applied") | undefined }; path: { "slug": string; "id": string }; header?: { "If-Match"?: string | undefined; "Idempotency-Key"?: string | undefined }; }; requestBody?: { content: { "application/json": { 
/** Go on although the proof does not allow it. Needs a reason; the audit trail says so. */
"force"?: boolean | undefined; 
/** Why, in your words; it goes into the audit trail. */
"reason"?: string | undefined } } }; responses: { 200: { content: { "application/json": { "rotation": components['schemas']["Rotation"]; 
/** The revision that the write made, or the last one where it changed nothing that serves. */
"revision": number; 
/** With `wait=applied`: which instances serve the revision after 10 s at most; else null. */
"applied": (components['schemas']["Applied"] | null) } } }; default: { content: { 'application/json': components['schemas']['Error'] } } } };
  };
  "/api/v1/admin/providers/{slug}/rotations/{id}/cancel": {
    post: { parameters: { query?: { "wait"?: ("applied") | undefined }; path: { "slug": string; "id": string }; header?: { "If-Match"?: string | undefined; "Idempotency-Key"?: string | undefined }; }; requestBody?: { content: { "application/json": { 
/** Why, in your words; it goes into the audit trail. */
"reason"?: string | undefined } } }; responses: { 200: { content: { "application/json": { "rotation": components['schemas']["Rotation"]; 
/** The revision that the write made, or the last one where it changed nothing that serves. */
"revision": number; 
/** With `wait=applied`: which instances serve the revision after 10 s at most; else null. */
"applied": (components['schemas']["Applied"] | null) } } }; default: { content: { 'application/json': components['schemas']['Error'] } } } };
  };
  "/api/v1/admin/providers/{slug}/key-management": {
    get: { parameters: { query?: never; path: { "slug": string }; header?: never; }; requestBody?: never; responses: { 200: { content: { "application/json": { 
/** What can be done by API: make and revoke keys, revoke them, or nothing. */
"automation": ("full" | "revoke_only" | "guided"); 
/** Which credential it takes, and where a person makes it. */
"needs": (string | null); "parameters_needed": Record<string, string>; "credential": ({ "mask": string; "fingerprint": string; "base_url": (string | null); "parameters": Record<string, string>; "created_by": string; "created_at": string } | null); "swept_at": (string | null); "last_sweep": (components['schemas']["KeySweep"] | null) } } }; default: { content: { 'application/json': components['schemas']['Error'] } } } };
    put: { parameters: { query?: never; path: { "slug": string }; header?: { "Idempotency-Key"?: string | undefined }; }; requestBody: { content: { "application/json": { 
/** No answer ever holds it. */
"credential": string; 
/** Where the management API is; absent: where the provider has it. */
"base_url"?: string | undefined; "parameters"?: Record<string, string> | undefined; 
/** Store it although the provider refuses it. Needs a reason. */
"force"?: boolean | undefined; 
/** Why, in your words; it goes into the audit trail. */
"reason"?: string | undefined } } }; responses: { 200: { content: { "application/json": { "stored": boolean; 
/** What the provider said, in words. */
"said": string } } }; default: { content: { 'application/json': components['schemas']['Error'] } } } };
    delete: { parameters: { query?: never; path: { "slug": string }; header?: { "Idempotency-Key"?: string | undefined }; }; requestBody?: { content: { "application/json": { 
/** Go on although made keys live there. Needs a reason; the audit trail says so. */
"force"?: boolean | undefined; 
/** Why, in your words; it goes into the audit trail. */
"reason"?: string | undefined } } }; responses: { 200: { content: { "application/json": { "removed": boolean; 
/** Made keys that a person has to revoke at the provider. */
"left": Array<string> } } }; default: { content: { 'application/json': components['schemas']['Error'] } } } };
  };
  "/api/v1/admin/providers/{slug}/key-management/sweep": {
    post: { parameters: { query?: never; path: { "slug": string }; header?: { "Idempotency-Key"?: string | undefined }; }; requestBody?: { content: { "application/json": { 
/** How long a retired key is left alone. */
"grace_seconds"?: number | undefined; 
/** Why, in your words; it goes into the audit trail. */
"reason"?: string | undefined } } }; responses: { 200: { content: { "application/json": components['schemas']["KeySweep"] } }; default: { content: { 'application/json': components['schemas']['Error'] } } } };
  };
  "/api/v1/admin/providers/{slug}/rotation-schedule": {
    get: { parameters: { query?: never; path: { "slug": string }; header?: never; }; requestBody?: never; responses: { 200: { content: { "application/json": { "every_days": (number | null); "before_expiry_days": (number | null); "jitter_minutes": number; "window": ({ 
/** Minutes after midnight, UTC. */
"from": number; 
/** Before `from`: on the next day. */
"to": number } | null); 
/** Null: not reckoned yet, or nothing is due ever. */
"next_at": (string | null); 
/** The one failure after which it stopped. Set it again to go on. */
"stopped_because": (string | null); "changed_by": string; "changed_at": string } } }; default: { content: { 'application/json': components['schemas']['Error'] } } } };
    put: { parameters: { query?: never; path: { "slug": string }; header?: { "Idempotency-Key"?: string | undefined }; }; requestBody: { content: { "application/json": { "every_days"?: (number | null) | undefined; "before_expiry_days"?: (number | null) | undefined; "jitter_minutes"?: number | undefined; "window"?: ({ 
/** Minutes after midnight, UTC. */
"from": number; 
/** Before `from`: on the next day. */
"to": number } | null) | undefined; 
/** Why, in your words; it goes into the audit trail. */
"reason"?: string | undefined } } }; responses: { 200: { content: { "application/json": { "every_days": (number | null); "before_expiry_days": (number | null); "jitter_minutes": number; "window": ({ 
/** Minutes after midnight, UTC. */
"from": number; 
/** Before `from`: on the next day. */
"to": number } | null); 
/** Null: not reckoned yet, or nothing is due ever. */
"next_at": (string | null); 
/** The one failure after which it stopped. Set it again to go on. */
"stopped_because": (string | null); "changed_by": string; "changed_at": string } } }; default: { content: { 'application/json': components['schemas']['Error'] } } } };
    delete: { parameters: { query?: never; path: { "slug": string }; header?: { "Idempotency-Key"?: string | undefined }; }; requestBody?: { content: { "application/json": { 
/** Why, in your words; it goes into the audit trail. */
"reason"?: string | undefined } } }; responses: { 200: { content: { "application/json": { "removed": boolean } } }; default: { content: { 'application/json': components['schemas']['Error'] } } } };
  };
  "/api/v1/admin/health": {
    get: { parameters: { query?: never; path?: never; header?: never; }; requestBody?: never; responses: { 200: { content: { "application/json": { "checked_at": string; 
/** Of the active providers that a key serves. */
"counts": { "healthy": number; "degraded": number; "unhealthy": number; "unknown": number }; "encryption_key": { "first_used_at": (string | null); "age_days": (number | null) }; 
/** Of no one provider. */
"warnings": Array<components['schemas']["KeyWarning"]>; 
/** The active providers, by slug. */
"data": Array<components['schemas']["ProviderHealth"]> } } }; default: { content: { 'application/json': components['schemas']['Error'] } } } };
  };
  "/api/v1/admin/providers/{slug}/health": {
    get: { parameters: { query?: never; path: { "slug": string }; header?: never; }; requestBody?: never; responses: { 200: { content: { "application/json": components['schemas']["ProviderHealth"] } }; default: { content: { 'application/json': components['schemas']['Error'] } } } };
  };
  "/api/v1/admin/health/tests": {
    get: { parameters: { query?: { "since"?: string | undefined }; path?: never; header?: never; }; requestBody?: never; responses: { 200: { content: { "application/json": { "data": Array<components['schemas']["DailyTest"]> } } }; default: { content: { 'application/json': components['schemas']['Error'] } } } };
  };
  "/api/v1/admin/health/tests/run": {
    post: { parameters: { query?: never; path?: never; header?: { "Idempotency-Key"?: string | undefined }; }; requestBody?: { content: { "application/json": { 
/** Slugs; absent: all active providers that a key serves. */
"providers"?: Array<string> | undefined; 
/** Why, in your words; it goes into the audit trail. */
"reason"?: string | undefined } } }; responses: { 200: { content: { "application/json": { "data": Array<components['schemas']["DailyTest"]> } } }; default: { content: { 'application/json': components['schemas']['Error'] } } } };
  };
  "/api/v1/admin/providers/{slug}/key-policy": {
    get: { parameters: { query?: never; path: { "slug": string }; header?: never; }; requestBody?: never; responses: { 200: { content: { "application/json": components['schemas']["KeyPolicy"] } }; default: { content: { 'application/json': components['schemas']['Error'] } } } };
    put: { parameters: { query?: { "wait"?: ("applied") | undefined }; path: { "slug": string }; header?: { "If-Match"?: string | undefined; "Idempotency-Key"?: string | undefined }; }; requestBody: { content: { "application/json": { 
/** 75 where nobody said. */
"ageing_days"?: (number | null) | undefined; 
/** 90 where nobody said. */
"due_days"?: (number | null) | undefined; 
/** 120 where nobody said. */
"overdue_days"?: (number | null) | undefined; 
/** A person or a team, in words. */
"owner"?: (string | null) | undefined; 
/** The daily test also makes a chat of one token, which is spent; null: it does not. */
"probe"?: ({ 
/** As the provider knows it. */
"model"?: string | undefined; 
/** No more of these calls are made in a month, over all instances; 31 where nobody said. */
"monthly_calls"?: number | undefined } | null) | undefined; 
/** Why, in your words; it goes into the audit trail. */
"reason"?: string | undefined } } }; responses: { 200: { content: { "application/json": { "policy": components['schemas']["KeyPolicy"]; 
/** The revision that the write made, or the last one where it changed nothing that serves. */
"revision": number; 
/** With `wait=applied`: which instances serve the revision after 10 s at most; else null. */
"applied": (components['schemas']["Applied"] | null) } } }; default: { content: { 'application/json': components['schemas']['Error'] } } } };
  };
  "/api/v1/admin/providers/{slug}/key-policy/snooze": {
    post: { parameters: { query?: { "wait"?: ("applied") | undefined }; path: { "slug": string }; header?: { "If-Match"?: string | undefined; "Idempotency-Key"?: string | undefined }; }; requestBody: { content: { "application/json": { 
/** From now on; 0: it warns again. */
"days": number; 
/** Why, in your words; it goes into the audit trail. */
"reason"?: string | undefined } } }; responses: { 200: { content: { "application/json": { "policy": components['schemas']["KeyPolicy"]; 
/** The revision that the write made, or the last one where it changed nothing that serves. */
"revision": number; 
/** With `wait=applied`: which instances serve the revision after 10 s at most; else null. */
"applied": (components['schemas']["Applied"] | null) } } }; default: { content: { 'application/json': components['schemas']['Error'] } } } };
  };
  "/api/v1/admin/alerts": {
    get: { parameters: { query?: { "limit"?: number | undefined; "cursor"?: string | undefined; "state"?: ("open" | "resolved") | undefined; "severity"?: ("info" | "warning" | "critical") | undefined; "kind"?: string | undefined; "provider"?: string | undefined }; path?: never; header?: never; }; requestBody?: never; responses: { 200: { content: { "application/json": { "data": Array<components['schemas']["Alert"]>; "has_more": boolean; 
/** For the parameter `cursor`; null on the last page. */
"next_cursor": (string | null) } } }; default: { content: { 'application/json': components['schemas']['Error'] } } } };
  };
  "/api/v1/admin/alerts/{id}": {
    get: { parameters: { query?: never; path: { "id": string }; header?: never; }; requestBody?: never; responses: { 200: { content: { "application/json": { "alert": components['schemas']["Alert"]; 
/** The newest first, 100 at most. */
"deliveries": Array<components['schemas']["AlertDelivery"]>; 
/** What people did with it, each with its reason: the newest first, 20 at most, as the audit trail tells it. */
"acts": Array<{ "act": ("acknowledged" | "snoozed" | "resolved"); "at": string; "by": string; "reason": (string | null) }> } } }; default: { content: { 'application/json': components['schemas']['Error'] } } } };
  };
  "/api/v1/admin/alerts/{id}/acknowledge": {
    post: { parameters: { query?: never; path: { "id": string }; header?: { "Idempotency-Key"?: string | undefined }; }; requestBody?: { content: { "application/json": { 
/** Why, in your words; it goes into the audit trail. */
"reason"?: string | undefined } } }; responses: { 200: { content: { "application/json": { "alert": components['schemas']["Alert"] } } }; default: { content: { 'application/json': components['schemas']['Error'] } } } };
  };
  "/api/v1/admin/alerts/{id}/snooze": {
    post: { parameters: { query?: never; path: { "id": string }; header?: { "Idempotency-Key"?: string | undefined }; }; requestBody: { content: { "application/json": { 
/** Must lie in the future, 90 days at most. Then a reminder follows. */
"until": string; 
/** Why, in your words; it goes into the audit trail. */
"reason"?: string | undefined } } }; responses: { 200: { content: { "application/json": { "alert": components['schemas']["Alert"] } } }; default: { content: { 'application/json': components['schemas']['Error'] } } } };
  };
  "/api/v1/admin/alerts/{id}/resolve": {
    post: { parameters: { query?: never; path: { "id": string }; header?: { "Idempotency-Key"?: string | undefined }; }; requestBody?: { content: { "application/json": { 
/** Why, in your words; it goes into the audit trail. */
"reason"?: string | undefined } } }; responses: { 200: { content: { "application/json": { "alert": components['schemas']["Alert"] } } }; default: { content: { 'application/json': components['schemas']['Error'] } } } };
  };
  "/api/v1/admin/alert-channels": {
    get: { parameters: { query?: never; path?: never; header?: never; }; requestBody?: never; responses: { 200: { content: { "application/json": { "data": Array<components['schemas']["AlertChannel"]> } } }; default: { content: { 'application/json': components['schemas']['Error'] } } } };
    post: { parameters: { query?: never; path?: never; header?: { "Idempotency-Key"?: string | undefined }; }; requestBody: { content: { "application/json": { "name": string; "kind": ("email" | "slack" | "teams" | "webhook" | "log"); 
/** What the kind takes, as a whole: they are not read back. No answer ever holds what is secret. */
"settings"?: { 
/** slack, teams, webhook: where it is posted to. Shown without its path. */
"url"?: string | undefined; 
/** webhook: the key of the signature, 24 to 64 bytes in base64, with `whsec_` before them or not. */
"secret"?: string | undefined; 
/** email: the SMTP server. */
"host"?: string | undefined; 
/** email: 587 where absent; 465 with `tls`. */
"port"?: number | undefined; 
/** email: `starttls` where absent; `none` to loopback and UPSTREAM_ALLOW_HTTP hosts only. */
"security"?: ("starttls" | "tls" | "none") | undefined; 
/** email: where the server asks for one. */
"username"?: string | undefined; 
/** email: no answer ever holds it. */
"password"?: string | undefined; 
/** email: the sender. */
"from"?: string | undefined; 
/** email: the receivers. */
"to"?: Array<string> | undefined; 
/** Whether the host may stand in, or resolve into, a private network. */
"allow_private_network"?: boolean | undefined } | undefined; "rules"?: { 
/** What is less bad is not sent there. */
"min_severity"?: ("info" | "warning" | "critical") | undefined; 
/** Only alerts of these kinds; empty: of all. */
"kinds"?: Array<string> | undefined; 
/** Only alerts of these providers, and those of no single one; empty: of all. */
"providers"?: Array<string> | undefined; 
/** What is at least so bad is sent in the quiet hours too. */
"quiet_min_severity"?: ("info" | "warning" | "critical") | undefined } | undefined; "quiet_hours"?: ({ 
/** Minutes after midnight, UTC. */
"from": number; 
/** Before `from`: on the next day. */
"to": number } | null) | undefined; "is_active"?: boolean | undefined; 
/** Why, in your words; it goes into the audit trail. */
"reason"?: string | undefined } } }; responses: { 201: { content: { "application/json": { "channel": components['schemas']["AlertChannel"] } } }; default: { content: { 'application/json': components['schemas']['Error'] } } } };
  };
  "/api/v1/admin/alert-channels/{id}": {
    get: { parameters: { query?: never; path: { "id": string }; header?: never; }; requestBody?: never; responses: { 200: { content: { "application/json": { "channel": components['schemas']["AlertChannel"]; 
/** The newest first, 50 at most. */
"deliveries": Array<components['schemas']["AlertDelivery"]> } } }; default: { content: { 'application/json': components['schemas']['Error'] } } } };
    patch: { parameters: { query?: never; path: { "id": string }; header?: { "If-Match"?: string | undefined; "Idempotency-Key"?: string | undefined }; }; requestBody: { content: { "application/json": { "name"?: string | undefined; 
/** What the kind takes, as a whole: they are not read back. No answer ever holds what is secret. */
"settings"?: { 
/** slack, teams, webhook: where it is posted to. Shown without its path. */
"url"?: string | undefined; 
/** webhook: the key of the signature, 24 to 64 bytes in base64, with `whsec_` before them or not. */
"secret"?: string | undefined; 
/** email: the SMTP server. */
"host"?: string | undefined; 
/** email: 587 where absent; 465 with `tls`. */
"port"?: number | undefined; 
/** email: `starttls` where absent; `none` to loopback and UPSTREAM_ALLOW_HTTP hosts only. */
"security"?: ("starttls" | "tls" | "none") | undefined; 
/** email: where the server asks for one. */
"username"?: string | undefined; 
/** email: no answer ever holds it. */
"password"?: string | undefined; 
/** email: the sender. */
"from"?: string | undefined; 
/** email: the receivers. */
"to"?: Array<string> | undefined; 
/** Whether the host may stand in, or resolve into, a private network. */
"allow_private_network"?: boolean | undefined } | undefined; "rules"?: { 
/** What is less bad is not sent there. */
"min_severity"?: ("info" | "warning" | "critical") | undefined; 
/** Only alerts of these kinds; empty: of all. */
"kinds"?: Array<string> | undefined; 
/** Only alerts of these providers, and those of no single one; empty: of all. */
"providers"?: Array<string> | undefined; 
/** What is at least so bad is sent in the quiet hours too. */
"quiet_min_severity"?: ("info" | "warning" | "critical") | undefined } | undefined; "quiet_hours"?: ({ 
/** Minutes after midnight, UTC. */
"from": number; 
/** Before `from`: on the next day. */
"to": number } | null) | undefined; "is_active"?: boolean | undefined; 
/** Why, in your words; it goes into the audit trail. */
"reason"?: string | undefined } } }; responses: { 200: { content: { "application/json": { "channel": components['schemas']["AlertChannel"] } } }; default: { content: { 'application/json': components['schemas']['Error'] } } } };
    delete: { parameters: { query?: never; path: { "id": string }; header?: { "If-Match"?: string | undefined; "Idempotency-Key"?: string | undefined }; }; requestBody?: { content: { "application/json": { 
/** Why, in your words; it goes into the audit trail. */
"reason"?: string | undefined } } }; responses: { 200: { content: { "application/json": { "id": number; "deleted": (true) } } }; default: { content: { 'application/json': components['schemas']['Error'] } } } };
  };
  "/api/v1/admin/alert-channels/{id}/test": {
    post: { parameters: { query?: never; path: { "id": string }; header?: { "Idempotency-Key"?: string | undefined }; }; requestBody?: { content: { "application/json": { 
/** Why, in your words; it goes into the audit trail. */
"reason"?: string | undefined } } }; responses: { 200: { content: { "application/json": { "delivery": components['schemas']["AlertDelivery"] } } }; default: { content: { 'application/json': components['schemas']['Error'] } } } };
  };
  "/api/v1/admin/audit-logs": {
    get: { parameters: { query?: { "limit"?: number | undefined; "cursor"?: string | undefined; "action"?: ("provider.created" | "provider.changed" | "provider.deleted" | "provider.key_set" | "provider.key_removed" | "provider.key_reencrypted" | "provider.key_tested" | "provider.key_refused" | "provider.source_changed" | "rotation.started" | "rotation.tested" | "rotation.moved" | "rotation.refused" | "rotation.promoted" | "rotation.rolled_back" | "rotation.retired" | "rotation.cancelled" | "rotation.failed" | "key.made" | "key.adopted" | "key.revoking" | "key.revoked" | "management.swept" | "schedule.changed" | "schedule.stopped" | "management.changed" | "policy.changed" | "health.run_asked" | "alert.acknowledged" | "alert.snoozed" | "alert.resolved" | "alert_channel.created" | "alert_channel.changed" | "alert_channel.deleted" | "alert_channel.tested" | "token.created" | "token.limited" | "token.revoked" | "model_alias.set" | "model_alias.removed" | "user_key.set" | "user_key.removed" | "user_key.tested" | "user_key.refused" | "session.started" | "session.ended" | "access.refused" | "encryption_ring.changed" | "encryption_ring.reencryption_begun" | "encryption_ring.reencrypted" | "encryption_ring.key_retired" | "audit.retention" | "archive.made" | "archive.restored" | "database.changed" | "provider" | "rotation" | "key" | "management" | "schedule" | "policy" | "health" | "alert" | "alert_channel" | "token" | "model_alias" | "user_key" | "session" | "access" | "encryption_ring" | "audit" | "archive" | "database") | undefined; "actor"?: string | undefined; "target"?: string | undefined; "outcome"?: ("done" | "refused" | "failed") | undefined; "since"?: string | undefined; "until"?: string | undefined }; path?: never; header?: never; }; requestBody?: never; responses: { 200: { content: { "application/json": { "data": Array<components['schemas']["AuditEvent"]>; "has_more": boolean; 
/** For the parameter `cursor`; null on the last page. */
"next_cursor": (string | null) } } }; default: { content: { 'application/json': components['schemas']['Error'] } } } };
  };
  "/api/v1/admin/audit-logs/{sequence}": {
    get: { parameters: { query?: never; path: { "sequence": string }; header?: never; }; requestBody?: never; responses: { 200: { content: { "application/json": components['schemas']["AuditEvent"] } }; default: { content: { 'application/json': components['schemas']['Error'] } } } };
  };
  "/api/v1/admin/audit-logs/export": {
    get: { parameters: { query: { "format": ("csv" | "jsonl"); "action"?: ("provider.created" | "provider.changed" | "provider.deleted" | "provider.key_set" | "provider.key_removed" | "provider.key_reencrypted" | "provider.key_tested" | "provider.key_refused" | "provider.source_changed" | "rotation.started" | "rotation.tested" | "rotation.moved" | "rotation.refused" | "rotation.promoted" | "rotation.rolled_back" | "rotation.retired" | "rotation.cancelled" | "rotation.failed" | "key.made" | "key.adopted" | "key.revoking" | "key.revoked" | "management.swept" | "schedule.changed" | "schedule.stopped" | "management.changed" | "policy.changed" | "health.run_asked" | "alert.acknowledged" | "alert.snoozed" | "alert.resolved" | "alert_channel.created" | "alert_channel.changed" | "alert_channel.deleted" | "alert_channel.tested" | "token.created" | "token.limited" | "token.revoked" | "model_alias.set" | "model_alias.removed" | "user_key.set" | "user_key.removed" | "user_key.tested" | "user_key.refused" | "session.started" | "session.ended" | "access.refused" | "encryption_ring.changed" | "encryption_ring.reencryption_begun" | "encryption_ring.reencrypted" | "encryption_ring.key_retired" | "audit.retention" | "archive.made" | "archive.restored" | "database.changed" | "provider" | "rotation" | "key" | "management" | "schedule" | "policy" | "health" | "alert" | "alert_channel" | "token" | "model_alias" | "user_key" | "session" | "access" | "encryption_ring" | "audit" | "archive" | "database") | undefined; "actor"?: string | undefined; "target"?: string | undefined; "outcome"?: ("done" | "refused" | "failed") | undefined; "since"?: string | undefined; "until"?: string | undefined }; path?: never; header?: never; }; requestBody?: never; responses: { 200: { content: { "text/csv": string; "application/x-ndjson": string } }; default: { content: { 'application/json': components['schemas']['Error'] } } } };
  };
  "/api/v1/admin/audit-logs/verify": {
    get: { parameters: { query?: never; path?: never; header?: never; }; requestBody?: never; responses: { 200: { content: { "application/json": components['schemas']["AuditTrailReport"] } }; default: { content: { 'application/json': components['schemas']['Error'] } } } };
  };
}

export interface components {
  schemas: {
    "Error": { "error": { 
/** What went wrong, in a sentence for a person. */
"message": string; "type": string; 
/** The field, parameter or header at fault. */
"param": (string | null); 
/** What went wrong, for a program. */
"code": string } };
    "Alert": { "id": string; 
/** acknowledged: somebody sees to it, no reminders. snoozed: nobody is told until `snoozed_until`. */
"state": ("open" | "acknowledged" | "snoozed" | "resolved"); 
/** Names what is wrong; no two open alerts have the same. */
"cause": string; "kind": string; "severity": ("info" | "warning" | "critical"); "what": string; 
/** What its messages say. */
"details": { "why"?: string | undefined; 
/** Slug of the provider that it is about. */
"provider"?: string | undefined; "providers"?: Array<string> | undefined; 
/** Who looks after the key. */
"owner"?: string | undefined; 
/** Of a date that comes: days of the last mark that is reached; 0 once it has come. */
"stage"?: number | undefined; 
/** When it began, where that is known better than when it was noticed. */
"since"?: string | undefined; 
/** How many requests for the provider the servers had in the last hour, as of the last look. */
"requestsLastHour"?: number | undefined; 
/** What serves in the meantime. */
"serves"?: string | undefined; 
/** What mends it. */
"command"?: string | undefined; "path"?: string | undefined }; 
/** How often the cause came. */
"occurrences": number; "opened_at": string; 
/** When the cause was last seen. */
"seen_at": string; "resolved_at": (string | null); "acknowledged_at": (string | null); "acknowledged_by": (string | null); "snoozed_until": (string | null); "snoozed_by": (string | null); 
/** Of the last thing that somebody did with it. */
"reason": (string | null); "reminders": number; "next_reminder_at": (string | null) };
    "AlertDelivery": { "id": string; 
/** Null for a test of the channel. */
"alert_id": (string | null); "channel_id": number; "event": ("opened" | "updated" | "resolved" | "reminder" | "test"); 
/** failed: given up. dropped: not worth sending any more. */
"state": ("waiting" | "sending" | "delivered" | "failed" | "dropped"); "attempts": number; "last_error": (string | null); "created_at": string; "next_attempt_at": (string | null); "delivered_at": (string | null) };
    "AlertChannel": { "id": number; "name": string; "kind": ("email" | "slack" | "teams" | "webhook" | "log"); 
/** Without what is secret; null where no encryption key opens them. */
"settings": ({ 
/** slack, teams, webhook: where it is posted to. Shown without its path. */
"url"?: string | undefined; 
/** webhook: the key of the signature, 24 to 64 bytes in base64, with `whsec_` before them or not. */
"secret"?: string | undefined; 
/** email: the SMTP server. */
"host"?: string | undefined; 
/** email: 587 where absent; 465 with `tls`. */
"port"?: number | undefined; 
/** email: `starttls` where absent; `none` to loopback and UPSTREAM_ALLOW_HTTP hosts only. */
"security"?: ("starttls" | "tls" | "none") | undefined; 
/** email: where the server asks for one. */
"username"?: string | undefined; 
/** email: no answer ever holds it. */
"password"?: string | undefined; 
/** email: the sender. */
"from"?: string | undefined; 
/** email: the receivers. */
"to"?: Array<string> | undefined; 
/** Whether the host may stand in, or resolve into, a private network. */
"allow_private_network"?: boolean | undefined } | null); "rules": { 
/** What is less bad is not sent there. */
"min_severity": ("info" | "warning" | "critical"); 
/** Only alerts of these kinds; empty: of all. */
"kinds": Array<string>; 
/** Only alerts of these providers, and those of no single one; empty: of all. */
"providers": Array<string>; 
/** What is at least so bad is sent in the quiet hours too. */
"quiet_min_severity": ("info" | "warning" | "critical") }; 
/** Within them only what is bad enough is sent; the rest follows at their end. */
"quiet_hours": ({ 
/** Minutes after midnight, UTC. */
"from": number; 
/** Before `from`: on the next day. */
"to": number } | null); "is_active": boolean; "changed_by": string; "changed_at": string; 
/** For `If-Match`. */
"revision": number };
    "Applied": { 
/** How many instances run. */
"live": number; 
/** Those that do not serve the revision yet. */
"behind": Array<{ "id": string; "host": string; "pid": number; 
/** What it serves as yet. */
"revision": number }> };
    "AuditTrailReport": { "whole": boolean; 
/** The first event that is not as it was written. */
"fault": ({ "kind": string; "sequence": number; "message": string } | null); 
/** How many were proven: all, or those before the fault. */
"events": number; 
/** Number of the first event. */
"first": (number | null); 
/** The last event that was proven. */
"head": ({ "sequence": number; "hash": string } | null); 
/** The event that accounts for those which were removed. */
"retention": ({ "sequence": number; "removed_through": number } | null); 
/** Where heads are noted outside the database. Only a file is read here. */
"anchor_kind": ("file" | "log" | "webhook" | "off"); 
/** How many noted heads fit. Null: none were compared, so a cut at the end would go unseen. */
"anchors": ({ "proven": number; "removed": number; "newest": number } | null); "waiting_foreign_changes": number; "remarks": Array<{ "provider": (string | null); "message": string }>; "seconds": number };
    "AuditEvent": { 
/** Place in the chain. */
"sequence": number; "occurred_at": string; "actor": { "kind": string; "id": (string | null); "name": string; "role": (string | null); "address": (string | null); "user_agent": (string | null) }; "action": string; "target": { "kind": string; "id": string }; "outcome": ("done" | "refused" | "failed"); 
/** In the words of the actor. */
"reason": (string | null); "request_id": (string | null); 
/** Keys stand here as fingerprints. */
"before": (Record<string, unknown> | null); "after": (Record<string, unknown> | null); "previous_hash": string; 
/** Over the hash before it and this event; see docs/audit.md. */
"hash": string };
    "ReencryptionRun": { "started_at": string; 
/** Null: it goes on. */
"ended_at": (string | null); "started_by": string; 
/** Rows that are encrypted anew. */
"reencrypted": number; 
/** Rows that are stored in all. */
"rows": number; 
/** Rows that no key of the ring opens. */
"set_aside": number; "problem": (string | null) };
    "Ready": { "status": ("ready" | "degraded" | "stopping"); "checks": { "database": { "status": ("ok" | "degraded"); "message": string }; "revision": { "status": ("ok" | "degraded"); "revision": number; "read_at": string }; "audit": { "status": ("ok" | "degraded"); "message": string }; "encryption_key": { "status": ("ok" | "degraded"); "message": string }; "providers": { "status": ("ok" | "degraded"); 
/** Why, by slug. */
"set_aside": Record<string, string>; 
/** What serves and should still be looked at, by slug. */
"remarks": Record<string, string> } } };
    "StoredKey": { 
/** First and last characters; null where the key cannot be read. */
"mask": (string | null); 
/** Keyed hash, the same wherever this installation shows the key. */
"fingerprint": (string | null); 
/** Why the stored key cannot be used. */
"problem": (string | null); 
/** Whether the key belongs to this provider and this host; a parked one stays out of use until it is entered again. */
"binding": (("bound" | "unbound" | "parked") | null); "updated_at": (string | null); "age_days": (number | null); 
/** valid, invalid, untested or error: the column api_key_test_status. */
"test_status": (string | null); "last_tested_at": (string | null) };
    "Serves": { 
/** Where the key comes from; null: none serves. */
"source": (("database" | "environment") | null); "fingerprint": (string | null); 
/** Why a hybrid provider is not served by its stored key. */
"fallback": (("database_key_unreadable" | "database_key_parked" | "database_key_dead") | null); 
/** Why, in a sentence. */
"reason": string };
    "Upstream": { 
/** Where requests go; null where the address cannot be used. */
"base_url": (string | null); "from": (("environment" | "database" | "provider") | null); "problem": (string | null) };
    "Provider": { "slug": string; "display_name": string; 
/** False: for callers the provider does not exist. */
"is_active": boolean; 
/** environment, database or hybrid; any other value counts as environment. */
"source": string; 
/** As it is set here; null: the one that Keyward knows. */
"base_url": (string | null); 
/** As the instance that answers has it, with its environment. */
"upstream": components['schemas']["Upstream"]; 
/** A model for a first request, as callers name it; null where Keyward suggests none. */
"example_model": (string | null); "request_headers": (Record<string, string> | null); "allow_private_network": boolean; 
/** Whether users may bring keys of their own, which then come before that of the platform. */
"is_byok_supported": boolean; "stored_key": (components['schemas']["StoredKey"] | null); 
/** As the instance that answers would serve it, with its environment. */
"serves": components['schemas']["Serves"]; 
/** The revision in which it changed last, for If-Match. */
"revision": number };
    "LastTest": { "verdict": string; "message": string; "advice": string; "tested_at": string; "asked_by": string };
    "RecordedTest": { "id": string; 
/** The key that was tested. */
"fingerprint": string; "source": ("database" | "environment" | "candidate"); "verdict": string; "code": (string | null); "message": string; "advice": string; "http_status": (number | null); "response_time_ms": number; "asked_by": string; "tested_at": string };
    "KeySweep": { 
/** Keys that were revoked now. */
"revoked": Array<string>; 
/** Keys that will be when their grace is over and every server has left them. */
"waiting": Array<string>; 
/** Serving keys that the provider does not know. */
"missing": Array<string>; 
/** Keys there that Keyward did not make. They are not touched. */
"unknown": Array<string>; 
/** Names under which a key may live that cannot be found by API. */
"unfindable": Array<string>; "failures": Array<string> };
    "KeyVersion": { "id": string; 
/** pending: does not serve yet, or for a share. active: the stored key. previous: the fallback of the active one. retired: serves no more. revoked: is dead at the provider. */
"state": ("pending" | "active" | "previous" | "retired" | "revoked"); "fingerprint": (string | null); "mask": (string | null); "origin": ("found" | "entered" | "minted"); 
/** What the key is called at its provider. */
"minted_name": (string | null); "created_by": (string | null); "reason": (string | null); "last_verdict": (("valid" | "invalid" | "compromised" | "restricted" | "out_of_credit" | "rate_limited" | "region_blocked" | "unreachable" | "unknown") | null); "last_tested_at": (string | null); 
/** When the provider last answered a call with it, as proof; null: not yet. */
"generated_at": (string | null); "expires_at": (string | null); "created_at": string; "promoted_at": (string | null); "retired_at": (string | null); "revoked_at": (string | null); 
/** What stands in the way of its revocation. */
"remark": (string | null) };
    "KeyTraffic": { "calls": number; "errors": number; 
/** The provider refused the key; each is an error too. */
"refusals": number; "error_rate": (number | null) };
    "Rotation": { "id": string; "provider": string; "step": ("minting" | "staged" | "tested" | "canary" | "soaking" | "completed" | "rolled_back" | "cancelled" | "superseded" | "failed"); "is_open": boolean; "is_automatic": boolean; 
/** Why it stands where it stands. */
"explanation": (string | null); 
/** The steps that may come next without force. */
"next": Array<string>; "new_key": components['schemas']["KeyVersion"]; "old_key": (components['schemas']["KeyVersion"] | null); 
/** While it is open: why a rollback would leave the provider without a key; null: it would not. */
"no_way_back": (string | null); "source_before": string; "canary_percent": number; "soak_seconds": number; "soak_is_over": boolean; 
/** What both keys have served since the canary began, on all instances together. */
"traffic": { "new": components['schemas']["KeyTraffic"]; "old": components['schemas']["KeyTraffic"] }; "is_forced": boolean; "started_by": string; "reason": (string | null); "started_at": string; "step_since": string; "promoted_at": (string | null); "ended_at": (string | null) };
    "UserKey": { "id": number; 
/** The user, as `user_api_keys.user_id` names them. */
"owner": string; "provider": string; 
/** As its owner calls it. */
"key_name": (string | null); 
/** How the key begins and ends. */
"mask": string; 
/** Whether it may serve. */
"is_active": boolean; 
/** Whether the last test found it good. */
"is_validated": boolean; 
/** What the last test or the last refusal said; null where it was good, or there was none. */
"validation_error": (string | null); 
/** When that was. */
"last_validated_at": (string | null); 
/** When its owner brought a first one. */
"created_at": string; 
/** When it came in the place of another. */
"replaced_at": (string | null) };
    "KeyWarning": { "kind": ("key_due" | "key_overdue" | "key_expires" | "key_cut_off" | "encryption_key_age"); "severity": ("info" | "warning" | "critical"); 
/** When it comes, or came. */
"at": string; 
/** Rounded up; 0 or less: it has come. */
"days_left": number; "message": string; 
/** The command that mends it, or what to do. */
"advice": string };
    "KeyPolicy": { "ageing_days": number; "due_days": number; "overdue_days": number; "owner": (string | null); 
/** Until then the age warns nobody. */
"snoozed_until": (string | null); "snooze_reason": (string | null); 
/** The chat of one token that the daily test also makes; null: it spends nothing. */
"probe": ({ "model": string; 
/** No more are made in a month, over all instances. */
"monthly_calls": number; 
/** The month in UTC that `calls_made` counts, as 2026-03; null: none was made yet. */
"month": (string | null); "calls_made": number; 
/** By the price in llm_models, for ten tokens in and one out; null: none stands there. */
"estimated_usd_per_call": (number | null); 
/** At most: when all of its calls are made. */
"estimated_usd_per_month": (number | null) } | null); 
/** Null: nobody has set it, these are the defaults. */
"changed_by": (string | null); "changed_at": (string | null) };
    "DailyTest": { "provider": string; 
/** In UTC. */
"day": string; 
/** `missed`: nobody ran it while the day lasted. */
"state": ("waiting" | "running" | "done" | "missed"); "due_at": string; 
/** Who had it run now; null: it came by itself. */
"asked_by": (string | null); "tested_at": (string | null); "verdict": (string | null); "response_time_ms": (number | null); 
/** Why nothing was asked, or what the call that spends a token said. */
"remark": (string | null) };
    "ProviderHealth": { "provider": string; "display_name": string; 
/** Where the key comes from that serves; null: none does. */
"source": (("database" | "environment") | null); "fingerprint": (string | null); "mask": (string | null); 
/** Why this key serves, or none. */
"reason": string; 
/** `healthy`: The provider took the key, and nothing has spoken against it since. `degraded`: The last word was no proof: no credit, a rate limit, a restriction, an outage, or a network fault. The key may be good. `unhealthy`: The provider has refused the key itself, and has not taken it since. `unknown`: Nothing was heard of the key for two days. */
"health": ("healthy" | "degraded" | "unhealthy" | "unknown"); 
/** What decided, from a test or a call. */
"verdict": (string | null); 
/** When that was last said. */
"since": (string | null); "last_test": ({ "verdict": string; "message": string; "advice": string; "response_time_ms": number; "tested_at": string; "asked_by": string } | null); 
/** When a call was last answered with the key, to half a minute. */
"last_answer_at": (string | null); "key_since": (string | null); "key_age_days": (number | null); 
/** The key may be older: nothing says when a key of the environment was made. */
"key_age_is_least": boolean; "key_age_state": (("fresh" | "ageing" | "due" | "overdue") | null); 
/** When the key ends, as far as anybody said. */
"expires_at": (string | null); "policy": components['schemas']["KeyPolicy"]; "warnings": Array<components['schemas']["KeyWarning"]>; 
/** Of today. */
"daily_test": (components['schemas']["DailyTest"] | null); 
/** Of the last week. */
"missed_days": Array<string> };
  };
}
