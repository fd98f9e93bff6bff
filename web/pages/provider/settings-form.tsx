/**
 * The settings of a provider. They are written only if nobody has changed the provider since they were read:
 * else what happened is said, and nobody's change is overwritten unseen.
 */
import { Alert, Button, Group, Select, Stack, Switch, Textarea, TextInput } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { TriangleAlert } from 'lucide-react';
import { useState, type FormEvent } from 'react';
import { api, ApiError, read } from '../../api/client.ts';
import { providerQuery, useRefresh } from '../../api/provider-queries.ts';
import { useRights } from '../../api/session.tsx';
import type { Provider } from '../../api/views.ts';
import { ChangedMeanwhile } from '../../parts/changed-meanwhile.tsx';
import { Panel } from '../../parts/panel.tsx';
import { Failure, NotDone } from '../../parts/states.tsx';
import { SaveButton } from '../../parts/save-button.tsx';
import { UnservedDialog, whyUnserved } from './unserved-dialog.tsx';
import { headerFault, headerLines, headersIn } from './header-lines.ts';

interface Draft {
  readonly display_name: string;
  readonly base_url: string;
  readonly source: Source;
  readonly allow_private_network: boolean;
  readonly is_byok_supported: boolean;
  /** One a line, `name: value`. */
  readonly request_headers: string;
}

type Source = 'environment' | 'database' | 'hybrid';
const sources: readonly { readonly value: Source; readonly label: string }[] = [
  { value: 'database', label: 'Database: the stored key only' },
  { value: 'hybrid', label: 'Hybrid: the stored key, else the environment' },
  { value: 'environment', label: 'Environment: the variable of the server only' },
];

function draftOf({
  display_name,
  base_url,
  source,
  allow_private_network,
  is_byok_supported,
  request_headers,
}: Provider): Draft {
  const known = sources.find(({ value }) => value === source)?.value ?? 'environment';
  return {
    display_name,
    base_url: base_url ?? '',
    source: known,
    allow_private_network,
    is_byok_supported,
    request_headers: headerLines(request_headers),
  };
}

const names: Readonly<Record<keyof Draft, string>> = {
  display_name: 'Name',
  base_url: 'Base URL',
  source: 'Source',
  allow_private_network: 'Private network',
  is_byok_supported: 'Keys of users',
  request_headers: 'Request headers',
};

export function SettingsForm({ provider }: { readonly provider: Provider }) {
  const { mayChange } = useRights();
  // What the draft was made from: while something is being typed, it does not move underneath.
  const [base, setBase] = useState(provider);
  const [draft, setDraft] = useState(draftOf(provider));
  const changed = fieldsThatDiffer(draft, draftOf(base));
  const isDirty = changed.length > 0;
  if (!isDirty && base.revision !== provider.revision) {
    setBase(provider);
    setDraft(draftOf(provider));
  }
  const beginAnew = (now: Provider): void => {
    setBase(now);
    setDraft(draftOf(now));
  };
  const saving = useSaving(base, draft, beginAnew);
  const [unserved, setUnserved] = useState<string | null>(null);
  const asking = useMutation({
    mutationFn: async () => whyUnserved(base, draft.source),
    onSuccess: (reason) => {
      if (reason === null) saving.mutate();
      else setUnserved(reason);
    },
  });
  const change = (part: Partial<Draft>): void => setDraft({ ...draft, ...part });
  const faultOf = (field: string): string | undefined =>
    // A fault of one header names it: `request_headers.x-team`.
    saving.error instanceof ApiError && saving.error.param?.split('.')[0] === field
      ? saving.error.message
      : undefined;
  const isTold = Object.keys(names).some((field) => faultOf(field) !== undefined);
  const hostMoves = base.stored_key !== null && hostOf(draft.base_url) !== hostOf(base.base_url ?? '');
  return (
    <Panel title="Settings" description="They hold for every instance, and for the next call.">
      <form
        onSubmit={(event: FormEvent) => {
          event.preventDefault();
          if (headerFault(draft.request_headers) === undefined) asking.mutate();
        }}
      >
        <Stack gap="sm" maw={560}>
          <TextInput
            label="Name"
            disabled={!mayChange}
            value={draft.display_name}
            error={faultOf('display_name')}
            onChange={({ currentTarget }) => change({ display_name: currentTarget.value })}
          />
          <TextInput
            label="Base URL"
            description="Up to /v1. Empty: the one that Keyward knows of this provider."
            placeholder={base.upstream.base_url ?? undefined}
            classNames={{ input: 'mono' }}
            disabled={!mayChange}
            value={draft.base_url}
            error={faultOf('base_url')}
            onChange={({ currentTarget }) => change({ base_url: currentTarget.value })}
          />
          {hostMoves && (
            <Alert color="yellow" icon={<TriangleAlert aria-hidden />} title="The host changes">
              The stored key is bound to the host of its provider. It is parked, and does not serve until it
              is entered again; calls fail meanwhile, unless the environment has a key and the source is
              hybrid.
            </Alert>
          )}
          <Select
            label="Source"
            description="Where the key is looked for that serves callers."
            allowDeselect={false}
            disabled={!mayChange}
            data={sources}
            value={draft.source}
            error={faultOf('source')}
            onChange={(value) => change({ source: value ?? draft.source })}
          />
          <Switch
            label="It is in a private network"
            description="Else addresses that are not public are refused."
            disabled={!mayChange}
            checked={draft.allow_private_network}
            onChange={({ currentTarget }) => change({ allow_private_network: currentTarget.checked })}
          />
          <Switch
            label="Users may bring their own keys"
            description="Theirs then come before the key of the platform. Those that are there stay when this is off, and do not serve."
            disabled={!mayChange}
            checked={draft.is_byok_supported}
            onChange={({ currentTarget }) => change({ is_byok_supported: currentTarget.checked })}
          />
          <Textarea
            label="Request headers"
            description="More headers for the requests to the provider, one a line as name: value. They are stored in the clear: no keys."
            placeholder="http-referer: https://example.com"
            classNames={{ input: 'mono' }}
            autosize
            minRows={2}
            spellCheck={false}
            disabled={!mayChange}
            value={draft.request_headers}
            error={headerFault(draft.request_headers) ?? faultOf('request_headers')}
            onChange={({ currentTarget }) => change({ request_headers: currentTarget.value })}
          />
          {saving.isError && !isTold && (
            <SavingFailed error={saving.error} base={base} now={provider} onReadAgain={beginAnew} />
          )}
          {asking.isError && <Failure error={asking.error} what="The settings were not saved" />}
          <Group gap="xs">
            <SaveButton
              words="Save the settings"
              isNeeded={isDirty}
              isSaving={asking.isPending || saving.isPending}
            />
            {isDirty && (
              <Button variant="subtle" color="gray" onClick={() => setDraft(draftOf(base))}>
                Undo
              </Button>
            )}
          </Group>
        </Stack>
      </form>
      {unserved !== null && (
        <UnservedDialog
          provider={base}
          reason={unserved}
          save={async () => saving.mutateAsync()}
          onClose={() => setUnserved(null)}
        />
      )}
    </Panel>
  );
}

function useSaving(base: Provider, draft: Draft, onSaved: (now: Provider) => void) {
  const refresh = useRefresh();
  const queries = useQueryClient();
  const { slug } = base;
  return useMutation({
    mutationFn: async () => {
      const all = {
        ...draft,
        base_url: draft.base_url.trim() === '' ? null : draft.base_url.trim(),
        request_headers: headersIn(draft.request_headers),
      };
      const body = Object.fromEntries(
        fieldsThatDiffer(draft, draftOf(base)).map((field) => [field, all[field]]),
      );
      return read(
        api.PATCH('/api/v1/admin/providers/{slug}', {
          params: {
            path: { slug },
            query: { wait: 'applied' },
            header: { 'If-Match': `"${base.revision}"` },
          },
          body,
        }),
      );
    },
    onSuccess: ({ provider, parked }) => {
      queries.setQueryData(providerQuery(slug).queryKey, provider);
      onSaved(provider);
      void refresh();
      notifications.show(
        parked
          ? {
              color: 'yellow',
              title: 'Saved; the key is parked',
              message: 'Set the key again: until then it does not serve.',
            }
          : { color: 'green', title: 'Saved', message: 'It holds for the next call.' },
      );
    },
  });
}

/** Says what somebody else has changed meanwhile, and begins anew from it when asked. */
function SavingFailed({
  error,
  base,
  now,
  onReadAgain,
}: {
  readonly error: Error;
  readonly base: Provider;
  readonly now: Provider;
  readonly onReadAgain: (now: Provider) => void;
}) {
  const queries = useQueryClient();
  const reading = useMutation({
    mutationFn: async () => queries.fetchQuery({ ...providerQuery(now.slug), staleTime: 0 }),
    onSuccess: onReadAgain,
  });
  if (!(error instanceof ApiError && error.status === 412))
    return <NotDone error={error} what="The settings were not saved" />;
  const [was, is] = [draftOf(base), draftOf(now)];
  const moved = fieldsThatDiffer(is, was);
  return (
    <ChangedMeanwhile isReading={reading.isPending} onReadAgain={() => reading.mutate()}>
      {moved.length === 0
        ? 'None of these settings is another now: its key may be.'
        : `Meanwhile: ${moved.map((field) => `${names[field]} is now ${told(is[field])}`).join('; ')}.`}
    </ChangedMeanwhile>
  );
}

function fieldsThatDiffer(one: Draft, other: Draft): (keyof Draft)[] {
  return (Object.keys(names) as (keyof Draft)[]).filter((field) => one[field] !== other[field]);
}

function told(value: string | boolean): string {
  if (typeof value === 'boolean') return value ? 'on' : 'off';
  return value === '' ? 'empty' : value;
}

function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).host : '';
}
