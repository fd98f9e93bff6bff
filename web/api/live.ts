/**
 * What changes elsewhere appears by itself: the server sends a line when a topic has changed, at first of all of
 * them, and the queries of that topic are asked again. While the connection is lost, the page says that it may be stale.
 */
import { useQueryClient } from '@tanstack/react-query';
import { useEffect, useSyncExternalStore } from 'react';
import { encryptionKeysQuery, sessionQuery } from './queries.ts';

export type Connection = 'connecting' | 'live' | 'lost';

let connection: Connection = 'connecting';
const listeners = new Set<() => void>();

function setConnection(next: Connection): void {
  if (next === connection) return;
  connection = next;
  for (const listener of listeners) listener();
}

/** Whether what is shown follows what happens. */
export function useConnection(): Connection {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => connection,
  );
}

/** How long a lost connection is left alone before the next try. */
const againMs = 2_000;

/** Once, around all that is shown to somebody who is signed in. */
export function useLiveUpdates(): void {
  const queries = useQueryClient();
  useEffect(() => {
    let source: EventSource;
    let again: ReturnType<typeof setTimeout> | undefined;
    const askSession = (): void =>
      void queries.invalidateQueries({ queryKey: sessionQuery.queryKey, exact: true });
    const listen = (): void => {
      source = new EventSource('/api/v1/admin/events');
      source.addEventListener('open', () => {
        // Also what is of no topic, and what failed meanwhile.
        if (connection === 'lost') void queries.invalidateQueries();
        setConnection('live');
      });
      source.addEventListener('changed', ({ data }: MessageEvent<string>) => {
        const { topics } = JSON.parse(data) as { topics: string[] };
        // Which key serves is a part of how the keys stand.
        if (topics.includes('keys') && !topics.includes('health')) topics.push('health');
        for (const topic of topics) void queries.invalidateQueries({ queryKey: [topic] });
        // Users may write their keys past Keyward, and so past the trail.
        if (topics.includes('keys')) void queries.invalidateQueries({ queryKey: ['audit', 'user-keys'] });
        // Sessions and tokens that end are events of the trail.
        if (topics.includes('audit')) {
          askSession();
          // So are the changes of the encryption key, also those by command.
          void queries.invalidateQueries({ queryKey: encryptionKeysQuery.queryKey });
        }
      });
      source.addEventListener('error', () => {
        // The stream ends every few minutes: only who cannot come back is lost.
        if (source.readyState === EventSource.CONNECTING && connection === 'live') {
          setConnection('connecting');
          return;
        }
        setConnection('lost');
        // An answer other than a stream, such as that of a server which starts, ends the tries of the browser.
        if (source.readyState === EventSource.CLOSED) again = setTimeout(listen, againMs);
        // A session that has ended ends the stream too.
        askSession();
      });
    };
    listen();
    return () => {
      clearTimeout(again);
      source.close();
      setConnection('connecting');
    };
  }, [queries]);
}
