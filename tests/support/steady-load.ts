/** Callers who never stop: so many chats a second over several servers, streams among them, each looked at whole. */
import type { RunningKeyward } from './running-keyward.ts';

interface LoadReport {
  readonly calls: number;
  readonly streams: number;
  /** Answers of which a fallback header told. */
  readonly fallbacks: number;
  /** What callers saw that was no good answer, in words. */
  readonly failures: readonly string[];
}

export interface SteadyLoad {
  /** What came until now. */
  report(): LoadReport;
  /** Settles when all that is in flight has ended. */
  stop(): Promise<LoadReport>;
}

/** A machine that cannot keep up is not buried: then it is fewer a second, which the report's reader sees. */
const mostInFlight = 60;

/** @param perSecond over all servers together */
export function startLoad(
  servers: readonly RunningKeyward[],
  { perSecond, model }: { readonly perSecond: number; readonly model: string },
): SteadyLoad {
  const failures: string[] = [];
  const inFlight = new Set<Promise<void>>();
  let [calls, streams, fallbacks] = [0, 0, 0];
  const body = (stream: boolean) => ({
    model,
    stream,
    messages: [{ role: 'user', content: 'Say this again.' }],
  });
  const call = async (server: RunningKeyward, stream: boolean): Promise<void> => {
    const number = (calls += 1);
    if (stream) streams += 1;
    try {
      const response = await server.chat(body(stream));
      const text = await response.text();
      if (response.headers.get('x-keyward-fallback') !== null) fallbacks += 1;
      const isWhole = stream ? text.endsWith('data: [DONE]\n\n') : text.includes('Say this again.');
      if (response.status !== 200 || !isWhole)
        failures.push(`call ${number}: ${response.status} ${text.slice(0, 200)}`);
    } catch (error) {
      failures.push(`call ${number}: ${String(error)}`);
    }
  };
  const startedAt = performance.now();
  const timer = setInterval(() => {
    const due = Math.floor(((performance.now() - startedAt) / 1_000) * perSecond) - calls;
    for (let count = Math.min(due, mostInFlight - inFlight.size); count > 0; count -= 1) {
      const server = servers[calls % servers.length];
      if (server === undefined) return;
      const one = call(server, calls % 4 === 0);
      inFlight.add(one);
      void one.then(() => inFlight.delete(one));
    }
  }, 10);
  const report = (): LoadReport => ({ calls, streams, fallbacks, failures });
  return {
    report,
    stop: async () => {
      clearInterval(timer);
      await Promise.all(inFlight);
      return report();
    },
  };
}
