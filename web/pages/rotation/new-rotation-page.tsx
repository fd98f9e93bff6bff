/** The beginning of a rotation: a key that is entered, or one that the provider makes. One that is open already is where this leads. */
import { useQuery } from '@tanstack/react-query';
import { Navigate, useParams } from '@tanstack/react-router';
import { keyManagementQuery, providerQuery, rotationQuery } from '../../api/provider-queries.ts';
import { PageHeader } from '../../parts/page-header.tsx';
import { Failure, LoadingRows } from '../../parts/states.tsx';
import { NewRotationForm } from './new-rotation-form.tsx';
import { WayUp } from './rotation-page.tsx';
import { Stepper } from './stepper.tsx';

export function NewRotationPage() {
  const { slug } = useParams({ from: '/providers/$slug/rotations/new' });
  const provider = useQuery(providerQuery(slug));
  const open = useQuery(rotationQuery(slug, 'open'));
  const management = useQuery(keyManagementQuery(slug));
  const failed = provider.error ?? open.error ?? management.error;
  if (open.data != null)
    return <Navigate to="/providers/$slug/rotations/$id" params={{ slug, id: open.data.id }} replace />;
  if (provider.data !== undefined && open.data === null && management.data !== undefined) {
    const { display_name: name } = provider.data;
    return (
      <>
        <PageHeader
          above={<WayUp slug={slug} name={name} />}
          title={`Rotate the key of ${name}`}
          summary="A new key takes the place of the old one without a failed call, and each step can be taken back."
        />
        <Stepper standing={{ stage: 'key', state: 'open' }} />
        <NewRotationForm provider={provider.data} management={management.data} />
      </>
    );
  }
  if (failed !== null)
    return (
      <Failure
        error={failed}
        what="A rotation cannot be begun"
        onRetry={() => void Promise.all([provider.refetch(), open.refetch(), management.refetch()])}
      />
    );
  return <LoadingRows label="Reading the provider" rows={3} />;
}
