/** What can be done with the key of a provider. One of it is the next thing to do. */
import { Button } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { FlaskConical, KeyRound, RefreshCw } from 'lucide-react';
import { useState } from 'react';
import { rotationQuery } from '../../api/provider-queries.ts';
import { useRights } from '../../api/session.tsx';
import type { Provider } from '../../api/views.ts';
import { ButtonLink } from '../../parts/links.tsx';
import { AdminOnly } from '../../parts/admin-only.tsx';
import { hasKey, KeyDialogs, KeyMenu, type KeyDialogName } from '../providers/key-menu.tsx';
import { useKeyTest } from '../providers/use-key-test.ts';

export function ProviderActions({ provider }: { readonly provider: Provider }) {
  const testing = useKeyTest(provider);
  const [dialog, setDialog] = useState<KeyDialogName | null>(null);
  return (
    <>
      <AdminOnly>
        {(isForbidden) => (
          <Button
            variant="default"
            leftSection={<FlaskConical size={16} aria-hidden />}
            disabled={isForbidden || !hasKey(provider)}
            loading={testing.isPending}
            onClick={() => testing.mutate()}
          >
            Test
          </Button>
        )}
      </AdminOnly>
      <PrimaryAction provider={provider} onSet={() => setDialog('set')} />
      <KeyMenu
        provider={provider}
        sign={{ variant: 'default', size: 'input-sm' }}
        replace="Replace the key at once"
        onChoose={setDialog}
      />
      <KeyDialogs provider={provider} open={dialog} onClose={() => setDialog(null)} />
    </>
  );
}

/** Sets the first key, rotates the one that is there, or goes on with the rotation that is open. */
function PrimaryAction({ provider, onSet }: { readonly provider: Provider; readonly onSet: () => void }) {
  const { slug } = provider;
  const { mayChange } = useRights();
  const { data: open } = useQuery(rotationQuery(slug, 'open'));
  const icon = <RefreshCw size={16} aria-hidden />;
  if (open != null)
    return (
      <ButtonLink to="/providers/$slug/rotations/$id" params={{ slug, id: open.id }} leftSection={icon}>
        {mayChange ? 'Go on with the rotation' : 'See the rotation'}
      </ButtonLink>
    );
  const hasOne = hasKey(provider);
  return (
    <AdminOnly>
      {(isForbidden) =>
        hasOne && !isForbidden ? (
          <ButtonLink to="/providers/$slug/rotations/new" params={{ slug }} leftSection={icon}>
            Rotate
          </ButtonLink>
        ) : (
          <Button
            leftSection={hasOne ? icon : <KeyRound size={16} aria-hidden />}
            disabled={isForbidden}
            onClick={onSet}
          >
            {hasOne ? 'Rotate' : 'Set a key'}
          </Button>
        )
      }
    </AdminOnly>
  );
}
