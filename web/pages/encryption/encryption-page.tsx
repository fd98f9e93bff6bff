/** The encryption keys: which there are, what stands under each, and how everything comes under the active one. */
import { Alert, Stack, Text, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { TriangleAlert } from 'lucide-react';
import { encryptionKeysQuery } from '../../api/queries.ts';
import type { EncryptionKeys } from '../../api/views.ts';
import { CopyField } from '../../parts/copy-field.tsx';
import { DataTable } from '../../parts/data-table.tsx';
import { PageHeader } from '../../parts/page-header.tsx';
import { QueryView } from '../../parts/query-view.tsx';
import { RelativeTime } from '../../parts/relative-time.tsx';
import { SaidBadge } from '../../parts/verdict.tsx';
import { Reencryption } from './reencryption.tsx';
import { count } from '../../parts/count.ts';

const roles = {
  encrypts: { word: 'Encrypts', color: 'green' },
  decrypts: { word: 'Decrypts only', color: 'gray' },
  missing: { word: 'Not in the ring', color: 'red' },
} as const;

const yearDays = 365;

export function EncryptionPage() {
  const ring = useQuery(encryptionKeysQuery);
  return (
    <>
      <PageHeader
        title="Encryption"
        summary={
          ring.data === undefined
            ? 'The keys under which everything secret is stored.'
            : `The ring comes from ${ring.data.from}.`
        }
      />
      <QueryView query={ring} what="The encryption keys">
        {(data) => <Ring ring={data} />}
      </QueryView>
    </>
  );
}

function Ring({ ring }: { readonly ring: EncryptionKeys }) {
  const { keys, unreadable, instances } = ring;
  const active = keys.find(({ role }) => role === 'encrypts');
  const isOld = (active?.age_days ?? 0) >= yearDays;
  const others = instances.filter(({ key_ids: ids }) => ids[0] !== active?.id);
  return (
    <Stack gap="lg">
      {unreadable.rows > 0 && (
        <Alert
          color="red"
          icon={<TriangleAlert aria-hidden />}
          title={`${count.format(unreadable.rows)} rows cannot be read`}
        >
          <Text size="sm">
            No key of the ring opens them: {unreadable.first.join(', ')}
            {unreadable.rows > unreadable.first.length ? ' and more' : ''}. They stop nothing; put the key
            back that encrypted them, or enter what they held again.
          </Text>
        </Alert>
      )}
      {others.length > 0 && (
        <Alert color="yellow" icon={<TriangleAlert aria-hidden />} title="The instances do not agree">
          <Text size="sm">
            {others.map(({ host, pid }) => `${host} (process ${pid})`).join(', ')} encrypts under another key.
            Give all of them the same ring.
          </Text>
        </Alert>
      )}
      <DataTable
        label="Encryption keys"
        rows={keys}
        keyOf={({ id }) => id}
        columns={[
          { name: 'Key', isTitle: true, cell: ({ id }) => <span className="mono">{id}</span> },
          { name: 'Role', cell: ({ role }) => <SaidBadge said={roles[role]} /> },
          {
            name: 'In use since',
            cell: ({ first_used_at: at }) => <RelativeTime at={at} none="not used yet" />,
          },
          { name: 'Age in days', isNumber: true, cell: ({ age_days: days }) => days ?? '–' },
          { name: 'Rows', isNumber: true, cell: ({ rows }) => count.format(rows) },
        ]}
      />
      <Reencryption ring={ring} />
      <Stack gap="xs" component="section" aria-label="Change the encryption key">
        <Title order={2}>Change the encryption key</Title>
        <Text size="sm" className="quiet" maw={640}>
          {isOld ? 'The active key is more than a year old. ' : ''}One command makes a new key, waits until
          every instance knows it, and encrypts everything anew while the gateway serves.
        </Text>
        <CopyField
          label="the command that changes the encryption key"
          text="npx keyward encryption-key rotate"
        />
      </Stack>
      <Stack gap="xs" component="section" aria-label="Backup">
        <Title order={2}>Backup</Title>
        <Text size="sm" className="quiet" maw={640}>
          Without the encryption key every stored key is lost. Keep a copy of the ring apart from the
          database, and make an encrypted archive of both now and then.
        </Text>
        <CopyField label="the command that makes a backup" text="npx keyward backup keyward.archive" />
      </Stack>
    </Stack>
  );
}
