/** GET /api/v1/admin/events: what has changed, whoever changed it. */
import { describe, expect, it, onTestFinished } from 'vitest';
import { callAdmin } from '../../support/administered-keyward.ts';
import { usualEngines } from '../../support/depth.ts';
import { adminToken, startKeyward, type RunningKeyward } from '../../support/running-keyward.ts';

async function listen(keyward: RunningKeyward): Promise<{ topics: Set<string>; ended: Promise<void> }> {
  const left = new AbortController();
  onTestFinished(() => left.abort());
  const response = await fetch(`${keyward.server.url}/api/v1/admin/events`, {
    headers: { authorization: `Bearer ${adminToken}` },
    signal: left.signal,
  });
  expect(response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
  const topics = new Set<string>();
  const follow = async (): Promise<void> => {
    let text = '';
    for await (const chunk of response.body ?? []) {
      text += Buffer.from(chunk).toString();
      const lines = text.split('\n\n');
      text = lines.pop() ?? '';
      for (const line of lines) {
        const [, data] = /^event: changed\ndata: (.*)$/.exec(line) ?? [];
        if (data !== undefined)
          for (const topic of (JSON.parse(data) as { topics: string[] }).topics) topics.add(topic);
      }
    }
  };
  return { topics, ended: follow().catch(() => undefined) };
}

describe.each(usualEngines)('the events (%s)', (engine) => {
  it('name the topics of what is changed over HTTP and with SQL, and end when the server stops', async () => {
    const keyward = await startKeyward({ engine });
    onTestFinished(async () => keyward.stop());
    const { topics, ended } = await listen(keyward);
    // Whoever comes is told of all: what changed before it listened, nobody else would say.
    await expect.poll(() => [...topics].toSorted()).toEqual(['alerts', 'audit', 'health', 'keys']);
    topics.clear();
    await keyward.change(`UPDATE llm_providers SET display_name = 'Groq!' WHERE provider_slug = 'groq'`);
    await expect.poll(() => [...topics]).toContain('keys');
    await callAdmin(keyward.server.url, 'POST /api/v1/admin/tokens', { body: { name: 'an application' } });
    await expect.poll(() => [...topics]).toContain('audit');
    await keyward.sql(
      `INSERT INTO keyward_alerts (cause, kind, severity) VALUES ('a test', 'key_unhealthy', 'warning')`,
    );
    await expect.poll(() => [...topics]).toContain('alerts');
    await keyward.stop();
    await ended;
  });
});
