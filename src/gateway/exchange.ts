/**
 * One call from its first attempt to its last byte: sends it, lets attempts.ts decide what a failure tries next, and
 * tells everybody who listens what came of it. The relay carries the bytes.
 */
import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';
import type { Caller } from '../auth/authenticate.ts';
import { KeywardError, messageOf } from '../foundation/errors.ts';
import type { RotationWatch } from '../keys/rotation/rotation-watch.ts';
import type { Snapshot } from '../keys/snapshot.ts';
import { nativeBasePath } from '../providers/base-path.ts';
import type { Verdict } from '../providers/verdict.ts';
import { AnswerEnds, countTokens, modelIn } from '../usage/count-tokens.ts';
import { isTrial, isUserKeyRefused, type Attempts, type Failure } from './attempts.ts';
import type { CallBody } from './call-body.ts';
import { refusesKey, speaksAgainstKey, type KeyRefusal, type TrialTarget } from './choose-key.ts';
import type { Target } from './choose-provider.ts';
import type { Circuits } from './circuit.ts';
import type { Route } from './endpoints.ts';
import type { GatewayParts } from './gateway-parts.ts';
import { upstreamHeaders } from './headers.ts';
import { verdictOfOutcome, verdictOfRefusal } from './live-verdict.ts';
import { Relay, type RelayOutcome } from './relay.ts';
import type { UpstreamPools } from './upstream-pools.ts';

export interface Call {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly id: string;
  readonly caller: Caller;
  readonly route: Route;
  readonly body: CallBody;
  readonly attempts: Attempts;
  readonly snapshot: Snapshot;
  /** On the monotonic clock, when all of the request was there. */
  readonly arrivedAt: number;
}

export interface Senders {
  readonly pools: UpstreamPools;
  /** By origin of the host. */
  readonly hosts: Circuits;
  /** By slug and fingerprint. */
  readonly keys: Circuits;
}

export class Exchange {
  readonly #parts: GatewayParts;
  readonly #senders: Senders;
  readonly #call: Call;
  readonly #relay: Relay;
  #ownMs = 0;
  #fallback: string | null = null;
  #pause: NodeJS.Timeout | undefined;
  #answer: AnswerEnds | undefined;
  #firstByteAt: number | null = null;
  readonly #deadline: NodeJS.Timeout;

  constructor(parts: GatewayParts, senders: Senders, call: Call) {
    this.#parts = parts;
    this.#senders = senders;
    this.#call = call;
    this.#relay = new Relay(call.request, call.response, call.attempts.current, call.route.endpoint, {
      ownHeaders: () => this.#ownHeaders(),
      keyRejected: () => this.#keyRejected(call.attempts.current),
      began: (isStream) => {
        this.#answer = new AnswerEnds(isStream);
      },
      passed: (chunk) => {
        this.#firstByteAt ??= performance.now();
        this.#answer?.saw(chunk);
      },
      tryAgain: (failure) => this.#tryAgain(failure),
      finished: (outcome) => this.#finished(outcome),
    });
    this.#deadline = setTimeout(
      () => this.#relay.end(new KeywardError('provider_total_timeout')),
      parts.config.upstream.totalTimeoutMs,
    );
  }

  begin(): void {
    this.#parts.metrics.streamsOpen.inc();
    this.#send(this.#call.attempts.current);
    this.#ownMs = performance.now() - this.#call.arrivedAt;
  }

  #send(target: Target): void {
    const { request, route, body, attempts } = this.#call;
    const shut = this.#shut(target);
    if (shut !== null) {
      this.#relay.unsent(shut);
      return;
    }
    attempts.count += 1;
    const { upstream } = target;
    this.#senders.pools.for(upstream).dispatch(
      {
        path: pathOf(route, target),
        method: request.method ?? 'POST',
        headers: upstreamHeaders(request.headers, target, body.contentType),
        body: body.for(target.model),
      },
      this.#relay,
    );
  }

  /** Why nothing is sent there for now; null: it may be. */
  #shut(target: Target): KeywardError | null {
    const { upstream, provider, key, source } = target;
    const { slug } = provider;
    const hostMs = this.#senders.hosts.mayNotBefore(upstream.origin);
    if (hostMs !== null)
      return new KeywardError('provider_circuit_open', {
        message: `The provider "${slug}" has not answered several times in a row, so it is left alone for a moment.`,
        retryAfterSeconds: Math.ceil(hostMs / 1000),
      });
    // While a rotation tries a key the other one takes over, and the rotation acts by what is refused.
    if (isTrial(target)) return null;
    const { keys } = this.#senders;
    const name = keyName(slug, key.fingerprint);
    const { resolution } = provider;
    keys.learn(name, resolution.isProvenDead && key === resolution.key);
    const keyMs = keys.mayNotBefore(name);
    if (keyMs === null) return null;
    this.#senders.hosts.saidNothing(upstream.origin);
    if (source === 'byok') return userKeyRejected(slug, Math.ceil(keyMs / 1000));
    return new KeywardError('provider_key_rejected', {
      message: `The provider "${slug}" has refused the key of this gateway, so it is not asked for a moment. Tell the administrator: keyward keys test ${slug}`,
      retryAfterSeconds: Math.ceil(keyMs / 1000),
    });
  }

  #tryAgain(failure: Failure): boolean {
    const { attempts, body } = this.#call;
    const refused = attempts.current;
    this.#countError(refused, failure);
    this.#tellCircuits(refused, failure);
    if (failure.kind === 'refused') this.#tellLive(refused, verdictOfRefusal(failure.refusal));
    const ofUser = isUserKeyRefused(refused, failure);
    if (ofUser) this.#noteUserKey(refused, failure);
    const next = attempts.next(failure, body.replayable);
    if (next === null) {
      if (!ofUser || failure.kind !== 'refused') return false;
      // Not what the relay says of a refused key: this one is the caller's, not the gateway's.
      this.#relay.end(userKeyRejected(refused.provider.slug));
      return true;
    }
    const hasOtherKey =
      next.target.provider.slug === refused.provider.slug && next.target.key !== refused.key;
    if (!ofUser && failure.kind === 'refused' && (hasOtherKey || refusesKey(failure.refusal))) {
      this.#keyRejected(refused);
      this.#noteRefusal(refused, failure.refusal);
    }
    if (next.fallback !== null) this.#fallback = next.fallback;
    this.#relay.beginAgain(next.target);
    this.#parts.metrics.retries.inc({ provider: refused.provider.slug, to: next.target.provider.slug });
    if (next.delayMs === 0) this.#send(next.target);
    else this.#pause = setTimeout(() => this.#send(next.target), next.delayMs);
    return true;
  }

  /** What was not even sent, since a circuit is open, is no error of the provider. */
  #countError({ provider: { slug } }: Target, failure: Failure): void {
    const verdict =
      failure.kind === 'refused'
        ? failure.refusal.verdict
        : verdictOfOutcome(failure.error.status, failure.error);
    if (verdict !== null) this.#parts.metrics.providerErrors.inc({ provider: slug, verdict });
  }

  #noteUserKey({ userKey, provider }: Target, failure: Failure): void {
    // It may have been replaced by now.
    this.#parts.refresh();
    if (userKey === undefined || failure.kind !== 'refused') return;
    this.#parts.userKeyWatch.refused(userKey, provider.slug, failure.refusal.message);
  }

  #tellCircuits({ upstream, provider, key }: Target, failure: Failure): void {
    const { hosts, keys } = this.#senders;
    const name = keyName(provider.slug, key.fingerprint);
    if (failure.kind === 'unanswered') {
      // Another call may be looking meanwhile.
      if (unsent.has(failure.error.code)) return;
      if (outages.has(failure.error.code)) hosts.failed(upstream.origin);
      keys.saidNothing(name);
      return;
    }
    hosts.worked(upstream.origin);
    if (refusesKey(failure.refusal)) keys.failed(name);
    else keys.worked(name);
  }

  #ownHeaders(): OutgoingHttpHeaders {
    const { attempts, id, snapshot, caller } = this.#call;
    const { current } = attempts;
    const fallback = this.#fallback ?? fallbackOf(attempts, current);
    return {
      // In the place of the provider's, which count all callers.
      ...this.#parts.limits.headers(caller),
      'x-request-id': id,
      'x-keyward-provider': current.provider.slug,
      'x-keyward-key-source': current.source,
      'x-keyward-key-fingerprint': current.key.fingerprint,
      'x-keyward-revision': snapshot.revision,
      'x-keyward-overhead-ms': this.#ownMs.toFixed(3),
      'x-keyward-attempts': attempts.count,
      ...(fallback !== null && { 'x-keyward-fallback': fallback }),
      ...(isTrial(current) && {
        'x-keyward-rotation': `${current.trial.stage}, ${current.trial.which} key`,
      }),
    };
  }

  #keyRejected({ provider }: Target): void {
    this.#parts.metrics.keyRejections.inc({ provider: provider.slug });
    this.#parts.refresh();
  }

  #finished({ status, error }: RelayOutcome): void {
    clearTimeout(this.#pause);
    clearTimeout(this.#deadline);
    const { metrics, log } = this.#parts;
    const target = this.#call.attempts.current;
    const { slug } = target.provider;
    metrics.streamsOpen.dec();
    metrics.requests.inc({ provider: slug, status, source: target.source });
    metrics.overheadSeconds.observe(this.#ownMs / 1000);
    if (isTrial(target)) countCall(this.#parts, target, outcomeOf(status, error));
    this.#tellLive(target, verdictOfOutcome(status, error));
    this.#settleCircuits(target, status, error);
    this.#tellUsage(target, { status, error });
    if (error === null) return;
    if (status < 400) {
      metrics.answersCut.inc({ provider: slug });
      this.#countError(target, { kind: 'unanswered', error });
    }
    log.warn(
      {
        request: this.#call.id,
        provider: slug,
        key: target.key,
        status,
        code: error.code,
        cause: error.cause && messageOf(error.cause),
      },
      error.message,
    );
  }

  /** What is long to read is read a turn later, when the caller has its answer. */
  #tellUsage(target: Target, { status, error }: RelayOutcome): void {
    const { arrivedAt, attempts, body, caller, id, request, route } = this.#call;
    const { clock, metrics, usage } = this.#parts;
    const latencyMs = performance.now() - arrivedAt;
    const timeToFirstTokenMs = this.#firstByteAt === null ? null : this.#firstByteAt - arrivedAt;
    if (timeToFirstTokenMs !== null)
      metrics.timeToFirstToken.observe({ provider: target.provider.slug }, timeToFirstTokenMs / 1000);
    const record = {
      requestId: id,
      at: new Date(clock.now().getTime() - latencyMs),
      tokenId: caller.tokenId,
      userId: caller.limits?.owner ?? caller.name,
      provider: target.provider.slug,
      endpoint: route.endpoint.name,
      keyFingerprint: target.key.fingerprint ?? '',
      usedOwnKey: target.source === 'byok',
      status,
      errorCode: error?.code ?? null,
      fallback: this.#fallback ?? fallbackOf(attempts, target),
      attempts: attempts.count,
      traceParent: request.headers['traceparent']?.toString() ?? null,
      latencyMs,
      timeToFirstTokenMs,
    };
    const answer = this.#answer;
    setImmediate(() => {
      const tokens = answer === undefined ? null : countTokens(answer, body.promptBytes ?? null);
      // A passthrough names none, and would cost nothing whatever it used.
      const model = target.model === '' && answer !== undefined ? modelIn(answer) : target.model;
      usage.record({ ...record, model, tokens });
    });
  }

  /** A failure before the answer has been told by then. */
  #settleCircuits({ upstream, provider, key }: Target, status: number, error: KeywardError | null): void {
    const { hosts, keys } = this.#senders;
    const name = keyName(provider.slug, key.fingerprint);
    if (error === null && status >= 200 && status < 300) {
      hosts.worked(upstream.origin);
      keys.worked(name);
    } else if (status === 499) {
      hosts.saidNothing(upstream.origin);
      keys.saidNothing(name);
    }
  }

  /** Of a key in trial its rotation hears, which acts by it. */
  #tellLive(target: Target, verdict: Verdict | null): void {
    const { fingerprint } = target.key;
    if (verdict === null || fingerprint === undefined || isTrial(target) || target.source === 'byok') return;
    this.#parts.live.saw({ slug: target.provider.slug, fingerprint }, verdict);
  }

  #noteRefusal(target: Target, refusal: KeyRefusal): void {
    const { metrics, rotations, log } = this.#parts;
    const { slug } = target.provider;
    const { verdict, message } = refusal;
    if (isTrial(target)) {
      const { trial } = target;
      countCall(this.#parts, target, 'refused');
      metrics.rotationFallbacks.inc({ provider: slug, stage: trial.stage });
      if (trial.which === 'new' && speaksAgainstKey(refusal))
        rotations.refused({ slug, trial, verdict, message });
    }
    log.warn(
      { request: this.#call.id, provider: slug, key: target.key, verdict },
      'a key was refused, another one is asked',
    );
  }
}

const outages: ReadonlySet<string> = new Set([
  'provider_unreachable',
  'provider_connect_timeout',
  'provider_first_byte_timeout',
  'provider_broke_off',
]);

/** What a circuit says in the place of a provider. */
const unsent: ReadonlySet<string> = new Set([
  'provider_circuit_open',
  'provider_key_rejected',
  'user_key_rejected',
]);

function keyName(slug: string, fingerprint: string | undefined): string {
  return `${slug} ${fingerprint ?? ''}`;
}

function pathOf({ path, query }: Route, { provider, upstream, api, model }: Target): string {
  const base = api === null ? upstream.basePath : nativeBasePath(provider.entry, api, upstream.basePath);
  return base + path.replace('{model}', () => encodeURIComponent(model)) + query;
}

function userKeyRejected(slug: string, retryAfterSeconds?: number): KeywardError {
  return new KeywardError('user_key_rejected', {
    message: `The provider "${slug}" refused your own key. Replace it (PUT /api/v1/llm/byok/keys) or remove it (DELETE /api/v1/llm/byok/keys/${slug}).`,
    ...(retryAfterSeconds !== undefined && { retryAfterSeconds }),
  });
}

function fallbackOf({ passedOver }: Attempts, { provider, source, fallback }: Target): string | null {
  if (fallback !== undefined) return fallback;
  if (source === 'byok') return null;
  return passedOver ? 'rotation_new_key_refused' : provider.resolution.fallback;
}

type CallOutcome = Parameters<RotationWatch['count']>[2];

function countCall(
  { rotations, metrics }: Pick<GatewayParts, 'rotations' | 'metrics'>,
  { provider, trial }: TrialTarget,
  outcome: CallOutcome,
): void {
  rotations.count(trial.rotationId, trial.which, outcome);
  metrics.rotationCalls.inc({ provider: provider.slug, key: trial.which, outcome });
}

/** What a caller asked wrongly, or left, says nothing of the key. */
function outcomeOf(status: number, error: KeywardError | null): CallOutcome {
  if (status === 499) return 'good';
  if (error?.code === 'provider_key_rejected') return 'refused';
  return error !== null || status === 429 || status === 402 || status >= 500 ? 'error' : 'good';
}
