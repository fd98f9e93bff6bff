/** Which key serves, as a picture: the places in the order in which they are asked, and the one that serves lit. */
import { Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { ArrowDown, ArrowRight, Check, Database, SquareTerminal, UserRound } from 'lucide-react';
import type { ReactNode } from 'react';
import { environmentKeyQuery, resolutionQuery } from '../../api/provider-queries.ts';
import type { Provider } from '../../api/views.ts';
import { Panel } from '../../parts/panel.tsx';
import { QueryView } from '../../parts/query-view.tsx';
import classes from './resolution.module.css';

const bySource: Readonly<Record<string, string>> = {
  database: 'Source database: only the stored key is used.',
  hybrid: 'Source hybrid: the stored key, and the one of the environment where that fails.',
  environment: 'Source environment: only the variable of the server is used.',
};

export function Resolution({ provider }: { readonly provider: Provider }) {
  const { slug, source, stored_key: stored, is_active: isActive } = provider;
  const resolution = useQuery(resolutionQuery(slug));
  const environment = useQuery(environmentKeyQuery(slug)).data?.serves;
  const asked = { source: isActive ? source : 'nothing', serving: resolution.data?.serves.source ?? null };
  return (
    <Panel
      title="Which key serves"
      description={isActive ? (bySource[source] ?? bySource['environment']) : 'The provider is not active.'}
    >
      <QueryView query={resolution} what="Which key serves" rows={2}>
        {(data) => (
          <>
            <ol className={classes['places']}>
              <Place icon={<UserRound size={18} aria-hidden />} name="Caller’s own key" state="not asked">
                Callers bring a token of Keyward and no key: each call is made with a key of the platform.
              </Place>
              <Place
                icon={<Database size={18} aria-hidden />}
                name="Database"
                state={stateOf('database', asked, stored !== null)}
                mask={stored?.mask}
              >
                {stored === null ? 'No key is stored.' : (stored.problem ?? storedWords(stored.binding))}
              </Place>
              <Place
                icon={<SquareTerminal size={18} aria-hidden />}
                name="Environment"
                state={stateOf('environment', asked, environment?.source === 'environment')}
                mask={environment?.mask}
              >
                <span className="mono">{data.environment_variable}</span>
              </Place>
            </ol>
            <Text size="sm" role="status">
              <strong>{answerOf(data.serves.source, isActive)}</strong> {sentence(data.serves.reason)}{' '}
              {data.upstream.base_url !== null && (
                <>
                  Calls go to <span className="mono">{data.upstream.base_url}</span>.
                </>
              )}
              {data.upstream.problem !== null && sentence(data.upstream.problem)}
            </Text>
          </>
        )}
      </QueryView>
    </Panel>
  );
}

type PlaceState = 'serves' | 'unusable' | 'stands by' | 'not asked' | 'empty';

interface Asked {
  readonly source: string;
  readonly serving: 'database' | 'environment' | null;
}

function stateOf(
  place: 'database' | 'environment',
  { source, serving }: Asked,
  isFilled: boolean,
): PlaceState {
  if (serving === place) return 'serves';
  if (source === 'nothing' || !asksFor(place, source)) return 'not asked';
  if (!isFilled) return 'empty';
  return place === 'environment' && serving === 'database' ? 'stands by' : 'unusable';
}

/** What is no source counts as environment. */
function asksFor(place: 'database' | 'environment', source: string): boolean {
  return source === 'hybrid' || (source === 'database') === (place === 'database');
}

const stateWords: Readonly<Record<PlaceState, string>> = {
  serves: 'Serves',
  unusable: 'Asked, cannot be used',
  'stands by': 'Stands by',
  'not asked': 'Not asked',
  empty: 'Asked, empty',
};

function Place({
  icon,
  name,
  state,
  mask,
  children,
}: {
  readonly icon: ReactNode;
  readonly name: string;
  readonly state: PlaceState;
  readonly mask?: string | null | undefined;
  readonly children: ReactNode;
}) {
  return (
    <li className={classes['step']}>
      <div className={classes['place']} data-lit={state === 'serves' || undefined} data-state={state}>
        <div className={classes['name']}>
          {icon}
          <span>{name}</span>
        </div>
        <div className={classes['state']}>
          {state === 'serves' && <Check size={14} aria-hidden />}
          {stateWords[state]}
        </div>
        {mask != null && <div className="mono">{mask}</div>}
        <div className={classes['words']}>{children}</div>
      </div>
      <ArrowRight className={classes['right']} size={18} aria-hidden />
      <ArrowDown className={classes['down']} size={18} aria-hidden />
    </li>
  );
}

function answerOf(source: 'database' | 'environment' | null, isActive: boolean): string {
  if (source === 'database') return 'The stored key serves.';
  if (source === 'environment') return 'The key of the environment serves.';
  return isActive ? 'No key serves: calls fail with 503.' : 'Nothing serves: for callers it does not exist.';
}

function storedWords(binding: 'bound' | 'unbound' | 'parked' | null): string {
  if (binding === 'parked')
    return 'Parked: the address has changed. It stays out of use until it is entered again.';
  return binding === 'unbound' ? 'Stored by another program, and bound to no host.' : 'Stored encrypted.';
}

const sentence = (text: string): string =>
  `${text.charAt(0).toUpperCase()}${text.slice(1)}${text.endsWith('.') ? '' : '.'}`;
