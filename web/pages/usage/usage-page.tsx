/** Usage: requests, tokens and cost of all callers. */
import { useNavigate, useSearch } from '@tanstack/react-router';
import { PageHeader } from '../../parts/page-header.tsx';
import { UsageReport } from './usage-report.tsx';

export function UsagePage() {
  const shown = useSearch({ from: '/usage' });
  const navigate = useNavigate();
  return (
    <>
      <PageHeader
        title="Usage"
        summary="What the callers have asked for, by days in UTC. Costs are those of the price list, not of a bill."
      />
      <UsageReport
        shown={shown}
        onShow={(next) => void navigate({ to: '/usage', search: next, replace: true })}
      />
    </>
  );
}
