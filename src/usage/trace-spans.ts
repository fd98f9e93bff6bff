/**
 * A span for each request, sent to an OpenTelemetry collector when one is configured: made when the request is over,
 * from what is known of it, so that nothing of tracing is on the hot path. Names follow the semantic conventions for
 * generative AI (https://opentelemetry.io/docs/specs/semconv/gen-ai/gen-ai-spans/). No text of a request is in it.
 */
import {
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
  type Attributes,
  type Context,
} from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { resourceFromAttributes } from '@opentelemetry/resources';
import {
  BatchSpanProcessor,
  ParentBasedSampler,
  AlwaysOnSampler,
  TracerProvider,
} from '@opentelemetry/sdk-trace';
import { version } from '../foundation/version.ts';
import { providerEntry } from '../providers/registry.ts';
import { isError, type UsageRecord, type UsageSink } from './usage-record.ts';

export interface TraceSpans extends UsageSink {
  /** Sends what waits. */
  stop(): Promise<void>;
}

/**
 * @param endpoint of the collector, as OTEL_EXPORTER_OTLP_ENDPOINT has it: /v1/traces is put after it. Its headers
 *   come from OTEL_EXPORTER_OTLP_HEADERS, which the exporter reads.
 */
export function openTraceSpans(endpoint: string, instanceId: string): TraceSpans {
  const provider = new TracerProvider({
    resource: resourceFromAttributes({
      'service.name': 'keyward',
      'service.version': version,
      'service.instance.id': instanceId,
    }),
    sampler: new ParentBasedSampler({ root: new AlwaysOnSampler() }),
    spanProcessors: [
      new BatchSpanProcessor({
        exporter: new OTLPTraceExporter({ url: `${endpoint.replace(/\/+$/, '')}/v1/traces` }),
      }),
    ],
  });
  const tracer = provider.getTracer('keyward', version);
  return {
    record: (record) => {
      const operation = operations[record.endpoint] ?? record.endpoint;
      const span = tracer.startSpan(
        `${operation} ${record.model}`.trim(),
        { kind: SpanKind.CLIENT, startTime: record.at, attributes: attributesOf(record, operation) },
        parentOf(record.traceParent),
      );
      if (isError(record)) span.setStatus({ code: SpanStatusCode.ERROR });
      span.end(new Date(record.at.getTime() + record.latencyMs));
    },
    stop: async () => {
      await provider.shutdown().catch(() => undefined);
    },
  };
}

/** `gen_ai.operation.name` of an endpoint, where the conventions have one. */
const operations: Readonly<Record<string, string>> = {
  'chat/completions': 'chat',
  messages: 'chat',
  responses: 'chat',
  completions: 'text_completion',
  embeddings: 'embeddings',
  'models/:model': 'generate_content',
};

function attributesOf(record: UsageRecord, operation: string): Attributes {
  const { tokens } = record;
  return {
    'gen_ai.operation.name': operation,
    'gen_ai.provider.name': providerEntry(record.provider).semanticName ?? record.provider,
    ...(record.model !== '' && { 'gen_ai.request.model': record.model }),
    ...(tokens !== null && {
      'gen_ai.usage.input_tokens': tokens.prompt,
      'gen_ai.usage.output_tokens': tokens.completion,
    }),
    'http.response.status_code': record.status,
    ...(isError(record) && { 'error.type': record.errorCode ?? String(record.status) }),
    'keyward.request.id': record.requestId,
    'keyward.key.fingerprint': record.keyFingerprint,
    'keyward.token.id': record.tokenId,
    'keyward.attempts': record.attempts,
    ...(record.fallback !== null && { 'keyward.fallback': record.fallback }),
    ...(record.timeToFirstTokenMs !== null && {
      'keyward.time_to_first_token': record.timeToFirstTokenMs / 1000,
    }),
  };
}

/** https://www.w3.org/TR/trace-context/#traceparent-header */
const traceParent = /^[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})/;

function parentOf(header: string | null): Context {
  const [, traceId, spanId, flags] = traceParent.exec(header ?? '') ?? [];
  if (traceId === undefined || spanId === undefined || flags === undefined) return ROOT_CONTEXT;
  if (/^0+$/.test(traceId) || /^0+$/.test(spanId)) return ROOT_CONTEXT;
  return trace.setSpanContext(ROOT_CONTEXT, {
    traceId,
    spanId,
    traceFlags: Number.parseInt(flags, 16) & 1,
    isRemote: true,
  });
}
