/** Playground: a message to a model through the gateway, as an application sends it, and which key served. */
import { Autocomplete, Button, Group, Select, Stack, Textarea } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { Send, Square } from 'lucide-react';
import { useState, type FormEvent } from 'react';
import { listModels } from '../../api/gateway.ts';
import { providersQuery } from '../../api/queries.ts';
import type { Provider } from '../../api/views.ts';
import { ButtonLink } from '../../parts/links.tsx';
import { PageHeader } from '../../parts/page-header.tsx';
import { Panel } from '../../parts/panel.tsx';
import { QueryView } from '../../parts/query-view.tsx';
import { Failure, Notice } from '../../parts/states.tsx';
import { Answer } from './answer.tsx';
import { CallSnippet } from './call-snippet.tsx';
import { GatewayAccess } from './gateway-access.tsx';
import { useChat } from './use-chat.ts';

export function PlaygroundPage() {
  const providers = useQuery(providersQuery);
  return (
    <>
      <PageHeader
        title="Playground"
        summary="A call to a model through the gateway, sent as an application sends it."
      />
      <QueryView query={providers} what="The providers">
        {(all) => {
          const serving = all.filter(({ serves }) => serves.source !== null);
          return serving.length === 0 ? (
            <Notice
              title="No provider has a key"
              action={<ButtonLink to="/providers">To the provider keys</ButtonLink>}
            >
              A call needs one: set the key of a provider first.
            </Notice>
          ) : (
            <Workbench providers={serving} />
          );
        }}
      </QueryView>
    </>
  );
}

/** @param props.providers those that a key serves, at least one */
function Workbench({ providers }: { readonly providers: readonly Provider[] }) {
  const search = useSearch({ from: '/playground' });
  const navigate = useNavigate();
  const [access, setAccess] = useState<Access | null>(null);
  const [typed, setTyped] = useState(search.model ?? null);
  const [message, setMessage] = useState('Hello');
  const { chat, send, stop } = useChat();
  const models = useModels(access);
  const provider = providers.find(({ slug }) => slug === search.provider) ?? providers[0];
  const slug = provider?.slug ?? '';
  const offered = modelsOf(slug, models.data ?? []);
  const model = typed ?? suggestionOf(provider) ?? offered[0] ?? '';
  const isRunning = chat.state === 'waiting' || chat.state === 'answering';
  const canSend = access !== null && model.trim() !== '' && message.trim() !== '';
  const submit = (event?: FormEvent): void => {
    event?.preventDefault();
    if (!canSend || isRunning) return;
    void navigate({ to: '/playground', search: { provider: slug, model: model.trim() }, replace: true });
    void send({ token: access.token, model: `${slug}/${model.trim()}`, message });
  };
  return (
    <Stack gap="md">
      <Panel title="Call">
        <GatewayAccess
          token={access?.token ?? null}
          onToken={(token) => setAccess(token === null ? null : { token, id: crypto.randomUUID() })}
        />
        {models.isError && (
          <Failure error={models.error} what="The models cannot be listed with this token" />
        )}
        <form onSubmit={submit}>
          <Stack gap="sm">
            <Group grow preventGrowOverflow={false} align="flex-start" gap="sm">
              <Select
                label="Provider"
                description="Those that a key serves."
                searchable
                allowDeselect={false}
                miw="min(12rem, 100%)"
                data={providers.map(({ slug: value, display_name: label }) => ({ value, label }))}
                value={slug}
                onChange={(next) => {
                  if (next === null) return;
                  setTyped(null);
                  void navigate({ to: '/playground', search: { provider: next }, replace: true });
                }}
              />
              <Autocomplete
                label="Model"
                description={sayModels(models.isFetching, access === null, offered.length)}
                miw="min(12rem, 100%)"
                limit={50}
                data={offered}
                value={model}
                onChange={setTyped}
                classNames={{ input: 'mono' }}
              />
            </Group>
            <Textarea
              label="Message"
              description="Ctrl Enter sends it."
              autosize
              minRows={3}
              maxRows={12}
              value={message}
              onChange={({ currentTarget }) => setMessage(currentTarget.value)}
              onKeyDown={(event) => {
                if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) submit();
              }}
            />
            <Group gap="xs">
              <Button
                type="submit"
                leftSection={<Send size={16} aria-hidden />}
                disabled={!canSend || isRunning}
              >
                Send
              </Button>
              <Button
                variant="default"
                leftSection={<Square size={16} aria-hidden />}
                disabled={!isRunning}
                onClick={stop}
              >
                Stop
              </Button>
            </Group>
          </Stack>
        </form>
      </Panel>
      <Answer chat={chat} />
      <CallSnippet model={`${slug}/${model.trim()}`} message={message} />
    </Stack>
  );
}

interface Access {
  readonly token: string;
  /** What is kept is kept under this, and not under the token. */
  readonly id: string;
}

function useModels(access: Access | null) {
  return useQuery({
    queryKey: ['gateway', 'models', access?.id ?? null],
    queryFn: async ({ signal }) => listModels({ token: access?.token ?? '', signal }),
    enabled: access !== null,
    gcTime: 0,
    staleTime: Number.POSITIVE_INFINITY,
  });
}

function modelsOf(slug: string, all: readonly string[]): string[] {
  const own = all.filter((id) => id.startsWith(`${slug}/`)).map((id) => id.slice(slug.length + 1));
  return [...new Set(own)].toSorted((one, other) => one.localeCompare(other));
}

/** As the provider itself names it. */
function suggestionOf(provider: Provider | undefined): string | undefined {
  const { example_model: example, slug = '' } = provider ?? {};
  return example?.startsWith(`${slug}/`) === true ? example.slice(slug.length + 1) : undefined;
}

function sayModels(isReading: boolean, hasNoToken: boolean, known: number): string {
  if (hasNoToken) return 'As the provider names it; listed when there is a token.';
  if (isReading) return 'Reading what there is…';
  if (known === 0) return 'As the provider names it: it lists none.';
  return `${known} listed; another may be typed.`;
}
