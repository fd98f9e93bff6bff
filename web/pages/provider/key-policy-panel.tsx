/** How old the key may grow before it is said that it is due, whose it is, and for how long nobody wants to hear it. */
import { Button, Group, NumberInput, Stack, Text, TextInput } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState, type FormEvent } from 'react';
import { api, ApiError, read } from '../../api/client.ts';
import { keyPolicyQuery, readPolicyToChange, useRefresh } from '../../api/provider-queries.ts';
import { useRights } from '../../api/session.tsx';
import type { KeyPolicy } from '../../api/views.ts';
import { AdminOnly } from '../../parts/admin-only.tsx';
import { ChangedMeanwhile } from '../../parts/changed-meanwhile.tsx';
import { ConfirmDialog } from '../../parts/confirm-dialog.tsx';
import { Panel } from '../../parts/panel.tsx';
import { RelativeTime, useNow } from '../../parts/relative-time.tsx';
import { QueryView } from '../../parts/query-view.tsx';
import { NotDone } from '../../parts/states.tsx';
import { SaveButton } from '../../parts/save-button.tsx';

export function KeyPolicyPanel({ slug }: { readonly slug: string }) {
  const query = useQuery(keyPolicyQuery(slug));
  return (
    <Panel
      title="Age of the key"
      description={
        query.data?.policy.changed_by == null
          ? 'From which day on a key counts as ageing, due and overdue. Nobody has set it: these are the defaults.'
          : 'From which day on a key counts as ageing, due and overdue.'
      }
    >
      <QueryView query={query} what="The policy" rows={1}>
        {(now) => (
          <>
            <PolicyForm slug={slug} now={now} />
            <Snooze slug={slug} policy={now.policy} />
          </>
        )}
      </QueryView>
    </Panel>
  );
}

type Read = Awaited<ReturnType<typeof readPolicyToChange>>;

const fields = [
  ['ageing_days', 'Ageing'],
  ['due_days', 'Due'],
  ['overdue_days', 'Overdue'],
] as const;

interface Draft {
  readonly ageing_days: number | string;
  readonly due_days: number | string;
  readonly overdue_days: number | string;
  readonly owner: string;
}

function draftOf({ ageing_days, due_days, overdue_days, owner }: KeyPolicy): Draft {
  return { ageing_days, due_days, overdue_days, owner: owner ?? '' };
}

function PolicyForm({ slug, now }: { readonly slug: string; readonly now: Read }) {
  const { mayChange } = useRights();
  const queries = useQueryClient();
  const refresh = useRefresh();
  // What the draft was made from: while something is being typed, it does not move underneath.
  const [base, setBase] = useState(now);
  const [draft, setDraft] = useState(draftOf(now.policy));
  const was = draftOf(base.policy);
  const isDirty = draft.owner.trim() !== was.owner || fields.some(([name]) => draft[name] !== was[name]);
  const beginWith = (next: Read): void => {
    setBase(next);
    setDraft(draftOf(next.policy));
  };
  // Never back: what is on its way may be older than what was saved or read again here.
  if (!isDirty && base !== now && now.revision >= base.revision) beginWith(now);
  const beginAnew = (next: Read): void => {
    queries.setQueryData(keyPolicyQuery(slug).queryKey, next);
    beginWith(next);
    void refresh();
  };
  const saving = useMutation({
    mutationFn: async () =>
      read(
        api.PUT('/api/v1/admin/providers/{slug}/key-policy', {
          params: { path: { slug }, header: { 'If-Match': `"${base.revision}"` } },
          body: {
            ...Object.fromEntries(
              fields.map(([name]) => [name, draft[name] === '' ? null : Number(draft[name])]),
            ),
            owner: draft.owner.trim() === '' ? null : draft.owner.trim(),
          },
        }),
      ),
    onSuccess: ({ policy, revision }) => {
      beginAnew({ policy, revision });
      notifications.show({ color: 'green', title: 'Saved', message: 'The age is judged by it from now on.' });
    },
  });
  // From the server and not from what is shown: that may be as old as what was refused.
  const reading = useMutation({
    mutationFn: async () => readPolicyToChange(slug),
    onSuccess: (next) => {
      saving.reset();
      beginAnew(next);
    },
  });
  return (
    <form
      onSubmit={(event: FormEvent) => {
        event.preventDefault();
        saving.mutate();
      }}
    >
      <Stack gap="sm" maw={560}>
        <Group gap="sm" align="flex-end">
          {fields.map(([name, label]) => (
            <NumberInput
              key={name}
              label={label}
              suffix=" days"
              min={1}
              max={3650}
              allowDecimal={false}
              disabled={!mayChange}
              hideControls
              flex="1 1 8rem"
              value={draft[name]}
              onChange={(value) => setDraft({ ...draft, [name]: value })}
            />
          ))}
        </Group>
        <TextInput
          label="Whose it is"
          description="A person or a team, in words: it stands in alerts."
          maxLength={300}
          disabled={!mayChange}
          value={draft.owner}
          onChange={({ currentTarget }) => setDraft({ ...draft, owner: currentTarget.value })}
        />
        {saving.isError &&
          (saving.error instanceof ApiError && saving.error.status === 412 ? (
            <ChangedMeanwhile isReading={reading.isPending} onReadAgain={() => reading.mutate()} />
          ) : (
            <NotDone error={saving.error} what="The policy was not saved" />
          ))}
        <Group>
          <SaveButton words="Save the policy" isNeeded={isDirty} isSaving={saving.isPending} />
        </Group>
      </Stack>
    </form>
  );
}

function Snooze({
  slug,
  policy: { snoozed_until: until, snooze_reason: why },
}: {
  readonly slug: string;
  readonly policy: KeyPolicy;
}) {
  const refresh = useRefresh();
  const now = useNow();
  const [isAsking, setAsking] = useState(false);
  const [days, setDays] = useState<number | string>(14);
  const snooze = async (body: { days: number; reason?: string }): Promise<void> => {
    await read(
      api.POST('/api/v1/admin/providers/{slug}/key-policy/snooze', { params: { path: { slug } }, body }),
    );
    await refresh();
  };
  const waking = useMutation({ mutationFn: async () => snooze({ days: 0 }) });
  const isAsleep = until !== null && Date.parse(until) > now;
  return (
    <Group gap="sm">
      {isAsleep && (
        <Text size="sm">
          The age warns nobody: it does so again <RelativeTime at={until} />
          {why !== null && <> (“{why}”)</>}.
        </Text>
      )}
      {waking.isError && <NotDone error={waking.error} what="It still warns nobody" />}
      <AdminOnly>
        {(isForbidden) => (
          <Button
            variant="default"
            size="xs"
            disabled={isForbidden}
            loading={waking.isPending}
            onClick={() => (isAsleep ? waking.mutate() : setAsking(true))}
          >
            {isAsleep ? 'Warn again' : 'Snooze…'}
          </Button>
        )}
      </AdminOnly>
      {isAsking && (
        <ConfirmDialog
          title="Let the age warn nobody"
          confirm="Snooze"
          color="verdigris"
          needsReason
          onClose={() => setAsking(false)}
          act={async (reason) => snooze({ days: Number(days), ...(reason !== undefined && { reason }) })}
        >
          <Stack gap="sm">
            Nothing changes for callers. The end of a key and a cut-off of its provider warn all the same.
            <NumberInput
              label="For"
              suffix=" days"
              min={1}
              max={365}
              allowDecimal={false}
              value={days}
              onChange={setDays}
            />
          </Stack>
        </ConfirmDialog>
      )}
    </Group>
  );
}
