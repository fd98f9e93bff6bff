/** Audit: who did what, one event and what it changed, whether the chain is whole, and all of it as a file. */
import { useSearch, Outlet } from '@tanstack/react-router';
import { PageHeader } from '../../parts/page-header.tsx';
import { AuditFilterBar } from './audit-filter-bar.tsx';
import { AuditList } from './audit-list.tsx';
import { ExportMenu } from './export-menu.tsx';
import { useVerification, VerificationResult, VerifyButton } from './verification.tsx';

export function AuditPage() {
  const filter = useSearch({ from: '/audit' });
  const verification = useVerification();
  return (
    <>
      <PageHeader
        title="Audit"
        summary="Every change, test, sign-in and refusal, newest first."
        actions={
          <>
            <ExportMenu filter={filter} />
            <VerifyButton verification={verification} />
          </>
        }
      />
      <VerificationResult verification={verification} />
      <AuditFilterBar filter={filter} />
      <AuditList filter={filter} />
      <Outlet />
    </>
  );
}
