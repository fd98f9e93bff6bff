/** The addresses of the page. Each view is read when somebody goes there. */
import { createRootRoute, createRoute, createRouter, lazyRouteComponent } from '@tanstack/react-router';
import { knownActions } from './api/audit-actions.ts';
import type { AuditFilter, UserKeyFilter } from './api/views.ts';
import { NotFound } from './shell/not-found.tsx';
import { Shell } from './shell/shell.tsx';
import { ViewFault } from './shell/view-fault.tsx';

const rootRoute = createRootRoute({
  component: Shell,
  notFoundComponent: NotFound,
  errorComponent: ViewFault,
});

const home = createRoute({
  getParentRoute: () => rootRoute,
  path: '/',
  component: lazyRouteComponent(async () => import('./pages/set-up/home.tsx'), 'Home'),
});

const setUp = createRoute({
  getParentRoute: () => rootRoute,
  path: '/set-up',
  validateSearch: (search): { step?: 'provider' | 'request'; provider?: string } => ({
    ...oneOf(search['step'], ['provider', 'request'] as const, 'step'),
    ...(typeof search['provider'] === 'string' && { provider: search['provider'] }),
  }),
  component: lazyRouteComponent(async () => import('./pages/set-up/set-up-page.tsx'), 'SetUpPage'),
});

/** What of the list is shown: part of the address, so that it can be sent to somebody. */
export interface ProviderFilter {
  readonly q?: string;
  readonly status?: 'valid' | 'invalid' | 'untested' | 'error' | 'none';
  readonly source?: string;
  readonly sort?: 'attention' | 'name' | 'age' | 'tested';
}

const providers = createRoute({
  getParentRoute: () => rootRoute,
  path: '/providers',
  validateSearch: (search): ProviderFilter => ({
    ...textOf(search, 'q'),
    ...oneOf(search['status'], ['valid', 'invalid', 'untested', 'error', 'none'] as const, 'status'),
    ...oneOf(search['source'], ['environment', 'database', 'hybrid'] as const, 'source'),
    ...oneOf(search['sort'], ['attention', 'name', 'age', 'tested'] as const, 'sort'),
  }),
  component: lazyRouteComponent(async () => import('./pages/providers/providers-page.tsx'), 'ProvidersPage'),
});

const health = createRoute({
  getParentRoute: () => rootRoute,
  path: '/health',
  component: lazyRouteComponent(async () => import('./pages/health/health-page.tsx'), 'HealthPage'),
});
const healthState = createRoute({
  getParentRoute: () => health,
  path: '/',
  component: lazyRouteComponent(async () => import('./pages/health/state-tab.tsx'), 'StateTab'),
});
const healthTests = createRoute({
  getParentRoute: () => health,
  path: '/tests',
  validateSearch: (search): { readonly days?: 14 | 30 | 90 } =>
    oneOf(search['days'], [14, 30, 90] as const, 'days'),
  component: lazyRouteComponent(async () => import('./pages/health/tests-tab.tsx'), 'TestsTab'),
});
const alertStates = ['open', 'resolved', 'all'] as const;
const severities = ['info', 'warning', 'critical'] as const;

/** Which alerts are shown; those that are open where the address does not say. */
export interface AlertFilter {
  readonly state?: (typeof alertStates)[number];
  readonly severity?: (typeof severities)[number];
  readonly provider?: string;
}

const healthAlerts = createRoute({
  getParentRoute: () => health,
  path: '/alerts',
  validateSearch: (search): AlertFilter => ({
    ...oneOf(search['state'], alertStates, 'state'),
    ...oneOf(search['severity'], severities, 'severity'),
    ...textOf(search, 'provider'),
  }),
  component: lazyRouteComponent(async () => import('./pages/health/alerts-tab.tsx'), 'AlertsTab'),
});
const healthAlert = createRoute({
  getParentRoute: () => health,
  path: '/alerts/$id',
  component: lazyRouteComponent(async () => import('./pages/health/alert-view.tsx'), 'AlertView'),
});
const healthDates = createRoute({
  getParentRoute: () => health,
  path: '/dates',
  component: lazyRouteComponent(async () => import('./pages/health/dates-tab.tsx'), 'DatesTab'),
});
const healthChannels = createRoute({
  getParentRoute: () => health,
  path: '/channels',
  component: lazyRouteComponent(async () => import('./pages/health/channels-tab.tsx'), 'ChannelsTab'),
});
const healthChannel = createRoute({
  getParentRoute: () => health,
  path: '/channels/$id',
  component: lazyRouteComponent(async () => import('./pages/health/channel-view.tsx'), 'ChannelView'),
});
const healthPolicies = createRoute({
  getParentRoute: () => health,
  path: '/policies',
  validateSearch: (search): { readonly q?: string } => textOf(search, 'q'),
  component: lazyRouteComponent(async () => import('./pages/health/policies-tab.tsx'), 'PoliciesTab'),
});
const healthViews = health.addChildren([
  healthState,
  healthTests,
  healthAlerts,
  healthAlert,
  healthDates,
  healthChannels,
  healthChannel,
  healthPolicies,
]);

const audit = createRoute({
  getParentRoute: () => rootRoute,
  path: '/audit',
  validateSearch: (search): AuditFilter => ({
    ...textOf(search, 'actor'),
    ...oneOf(search['action'], knownActions, 'action'),
    ...textOf(search, 'target'),
    ...oneOf(search['outcome'], ['done', 'refused', 'failed'] as const, 'outcome'),
    ...timeOf(search, 'since'),
    ...timeOf(search, 'until'),
  }),
  component: lazyRouteComponent(async () => import('./pages/audit/audit-page.tsx'), 'AuditPage'),
});
const auditEvent = createRoute({
  getParentRoute: () => audit,
  path: '$sequence',
  component: lazyRouteComponent(async () => import('./pages/audit/event-dialog.tsx'), 'EventDialog'),
});

export const administratorTabs = ['tokens', 'sessions'] as const;

const administrators = createRoute({
  getParentRoute: () => rootRoute,
  path: '/administrators',
  validateSearch: (search): { tab?: (typeof administratorTabs)[number] } =>
    oneOf(search['tab'], administratorTabs, 'tab'),
  component: lazyRouteComponent(
    async () => import('./pages/administrators/administrators-page.tsx'),
    'AdministratorsPage',
  ),
});

const encryption = createRoute({
  getParentRoute: () => rootRoute,
  path: '/encryption',
  component: lazyRouteComponent(
    async () => import('./pages/encryption/encryption-page.tsx'),
    'EncryptionPage',
  ),
});

export const systemTabs = ['instances', 'migrations', 'configuration'] as const;

const system = createRoute({
  getParentRoute: () => rootRoute,
  path: '/system',
  validateSearch: (search): { tab?: (typeof systemTabs)[number] } => oneOf(search['tab'], systemTabs, 'tab'),
  component: lazyRouteComponent(async () => import('./pages/system/system-page.tsx'), 'SystemPage'),
});

export const usageSpans = [7, 30, 90] as const;
export const usageMeasures = ['requests', 'tokens', 'cost'] as const;
export const usageGroups = ['provider', 'model', 'token', 'day'] as const;

/** What of the usage is shown: of thirty days, in requests, by provider, where the address does not say. */
export interface UsageShown {
  readonly days?: (typeof usageSpans)[number];
  readonly measure?: (typeof usageMeasures)[number];
  readonly by?: (typeof usageGroups)[number];
  /** Of this provider alone. */
  readonly provider?: string;
  /** Of this token alone, by its number; 0 for the one of the environment. */
  readonly token?: number;
}

function usageOf(search: Record<string, unknown>): UsageShown {
  return {
    ...oneOf(search['days'], usageSpans, 'days'),
    ...oneOf(search['measure'], usageMeasures, 'measure'),
    ...oneOf(search['by'], usageGroups, 'by'),
    ...textOf(search, 'provider'),
    ...numberOf(search, 'token'),
  };
}

const usage = createRoute({
  getParentRoute: () => rootRoute,
  path: '/usage',
  validateSearch: usageOf,
  component: lazyRouteComponent(async () => import('./pages/usage/usage-page.tsx'), 'UsagePage'),
});

export const callerTabs = ['tokens', 'user-keys'] as const;

/** Which keys of users are shown, where these are. */
interface CallersShown extends UserKeyFilter {
  readonly tab?: (typeof callerTabs)[number];
}

const callers = createRoute({
  getParentRoute: () => rootRoute,
  path: '/callers',
  validateSearch: (search): CallersShown => ({
    ...oneOf(search['tab'], callerTabs, 'tab'),
    ...textOf(search, 'q'),
    ...textOf(search, 'provider'),
  }),
  component: lazyRouteComponent(async () => import('./pages/callers/callers-page.tsx'), 'CallersPage'),
});

const playground = createRoute({
  getParentRoute: () => rootRoute,
  path: '/playground',
  validateSearch: (search): { provider?: string; model?: string } => ({
    ...textOf(search, 'provider'),
    ...textOf(search, 'model'),
  }),
  component: lazyRouteComponent(
    async () => import('./pages/playground/playground-page.tsx'),
    'PlaygroundPage',
  ),
});

export const providerTabs = [
  'overview',
  'tests',
  'usage',
  'versions',
  'audit',
  'automation',
  'settings',
] as const;
export type ProviderTab = (typeof providerTabs)[number];

const provider = createRoute({
  getParentRoute: () => rootRoute,
  path: '/providers/$slug',
  validateSearch: (search): { tab?: ProviderTab } & Omit<UsageShown, 'provider'> => {
    const { provider: _, ...shown } = usageOf(search);
    return { ...oneOf(search['tab'], providerTabs, 'tab'), ...shown };
  },
  component: lazyRouteComponent(async () => import('./pages/provider/provider-page.tsx'), 'ProviderPage'),
});

const newRotation = createRoute({
  getParentRoute: () => rootRoute,
  path: '/providers/$slug/rotations/new',
  component: lazyRouteComponent(
    async () => import('./pages/rotation/new-rotation-page.tsx'),
    'NewRotationPage',
  ),
});

const rotation = createRoute({
  getParentRoute: () => rootRoute,
  path: '/providers/$slug/rotations/$id',
  component: lazyRouteComponent(async () => import('./pages/rotation/rotation-page.tsx'), 'RotationPage'),
});

/**
 * What an address may hold and what not: anything else in it is as if it were not there. What does not fit is
 * named and undefined, for the router hands on what nobody has named.
 */
function oneOf<Name extends string, Value extends string | number>(
  value: unknown,
  known: readonly Value[],
  name: Name,
): { [key in Name]?: Value } {
  return { [name]: known.find((one) => one === value) } as { [key in Name]?: Value };
}

/** Numbers too: the address does not say that `q=12` is text. */
function textOf<Name extends string>(
  search: Record<string, unknown>,
  name: Name,
): { [key in Name]?: string } {
  const value = search[name];
  const isText = (typeof value === 'string' && value !== '') || typeof value === 'number';
  return { [name]: isText ? String(value) : undefined } as { [key in Name]?: string };
}

/** As the database numbers rows. */
function numberOf<Name extends string>(
  search: Record<string, unknown>,
  name: Name,
): { [key in Name]?: number } {
  const value = search[name];
  const isNumber = typeof value === 'number' && Number.isInteger(value) && value >= 0 && value < 1e9;
  return { [name]: isNumber ? value : undefined } as { [key in Name]?: number };
}

function timeOf<Name extends string>(
  search: Record<string, unknown>,
  name: Name,
): { [key in Name]?: string } {
  const value = search[name];
  const isTime = typeof value === 'string' && !Number.isNaN(Date.parse(value));
  return { [name]: isTime ? new Date(value).toISOString() : undefined } as { [key in Name]?: string };
}

export const router = createRouter({
  routeTree: rootRoute.addChildren([
    home,
    setUp,
    providers,
    provider,
    newRotation,
    rotation,
    healthViews,
    callers,
    usage,
    playground,
    audit.addChildren([auditEvent]),
    administrators,
    encryption,
    system,
  ]),
  // A view that breaks leaves the menu, and the views around it, as they are.
  defaultErrorComponent: ViewFault,
  defaultPreload: 'intent',
  scrollRestoration: true,
});

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router;
  }
}
