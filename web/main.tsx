/** Where the page begins: theme, queries, notifications, addresses. */
import '@mantine/core/styles.css';
import '@mantine/notifications/styles.css';
import './styles.css';
import { MantineProvider } from '@mantine/core';
import { Notifications } from '@mantine/notifications';
import { MutationCache, QueryCache, QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { RouterProvider } from '@tanstack/react-router';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { ApiError, GatewayError } from './api/client.ts';
import { healthQuery, providersQuery, sessionQuery, wasEndedQuery } from './api/queries.ts';
import { router } from './router.tsx';
import { readableVariables, theme } from './theme.ts';

/** Whoever has been signed out elsewhere signs in where they were. */
function onError(error: Error): void {
  if (!(error instanceof ApiError) || error instanceof GatewayError || error.status !== 401) return;
  // A sign-in that is refused ends nothing.
  if (queries.getQueryData(sessionQuery.queryKey) != null) queries.setQueryData(wasEndedQuery.queryKey, true);
  queries.setQueryData(sessionQuery.queryKey, null);
}

const queries: QueryClient = new QueryClient({
  queryCache: new QueryCache({ onError }),
  mutationCache: new MutationCache({ onError }),
  defaultOptions: {
    queries: {
      staleTime: 15_000,
      retry: (failures, error) =>
        failures < 2 && error instanceof ApiError && (error.status === 0 || error.status >= 500),
      // The live updates and not the browser say whether the server can be reached.
      networkMode: 'always',
    },
    mutations: { networkMode: 'always' },
  },
});

/** What the view needs at which most people come in is asked for while the page is being drawn. */
async function readAhead(): Promise<void> {
  const session = await queries.fetchQuery(sessionQuery);
  if (session === null || !['/', '/providers'].includes(location.pathname)) return;
  await Promise.all([queries.prefetchQuery(providersQuery), queries.prefetchQuery(healthQuery)]);
}
// What fails is told where it is shown.
readAhead().catch(() => undefined);

const nonce = document.querySelector<HTMLMetaElement>('meta[property="csp-nonce"]')?.nonce ?? '';
// What locks the scrolling behind a dialog writes a style of its own, and looks for the nonce here.
Object.assign(globalThis, { __webpack_nonce__: nonce });
const root = document.getElementById('root');
if (root === null) throw new Error('the shell has no root');
createRoot(root).render(
  <StrictMode>
    <MantineProvider
      theme={theme}
      cssVariablesResolver={readableVariables}
      defaultColorScheme="auto"
      getStyleNonce={() => nonce}
    >
      <QueryClientProvider client={queries}>
        <Notifications position="bottom-right" limit={3} />
        <RouterProvider router={router} />
      </QueryClientProvider>
    </MantineProvider>
  </StrictMode>,
);
