/** Where `/` leads: to the keys, or to the set-up while no provider has one that serves. */
import { useQuery } from '@tanstack/react-query';
import { Navigate } from '@tanstack/react-router';
import { providersQuery } from '../../api/queries.ts';
import { QueryView } from '../../parts/query-view.tsx';

export function Home() {
  const providers = useQuery(providersQuery);
  return (
    <QueryView query={providers} what="The providers">
      {(all) => (
        <Navigate to={all.some(({ serves }) => serves.source !== null) ? '/providers' : '/set-up'} replace />
      )}
    </QueryView>
  );
}
