/** What was asked of this provider, by day, model and token. */
import { useNavigate, useSearch } from '@tanstack/react-router';
import { UsageReport } from '../usage/usage-report.tsx';

export function UsageTab({ slug }: { readonly slug: string }) {
  const { tab: _, ...shown } = useSearch({ from: '/providers/$slug' });
  const navigate = useNavigate();
  return (
    <UsageReport
      key={slug}
      isOfProvider
      shown={{ ...shown, provider: slug }}
      onShow={({ provider: __, ...next }) =>
        void navigate({
          to: '/providers/$slug',
          params: { slug },
          search: { ...next, tab: 'usage' },
          replace: true,
        })
      }
    />
  );
}
