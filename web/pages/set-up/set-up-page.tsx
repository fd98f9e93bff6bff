/** The first minutes: the encryption key is safe, a provider has a key, a request is answered. */
import { Button, Checkbox, Group, Select, Stack, Stepper, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link, useNavigate, useSearch } from '@tanstack/react-router';
import { useState } from 'react';
import { encryptionKeysQuery, providersQuery } from '../../api/queries.ts';
import { useRights } from '../../api/session.tsx';
import type { Provider, SetKeyAnswer } from '../../api/views.ts';
import { PageHeader } from '../../parts/page-header.tsx';
import { QueryView } from '../../parts/query-view.tsx';
import { Notice } from '../../parts/states.tsx';
import { KeyForm } from '../providers/key-form.tsx';
import { KeyStored } from '../providers/key-stored.tsx';
import { RequestStep } from './request-step.tsx';

const steps = ['encryption', 'provider', 'request'] as const;

export function SetUpPage() {
  const { step = 'encryption', provider } = useSearch({ from: '/set-up' });
  const navigate = useNavigate();
  const providers = useQuery(providersQuery);
  const { mayChange } = useRights();
  const go = (next: (typeof steps)[number], slug = provider): void =>
    void navigate({
      to: '/set-up',
      search: { ...(next !== 'encryption' && { step: next }), ...(slug !== undefined && { provider: slug }) },
    });
  if (!mayChange)
    return (
      <Notice title="Nothing is set up yet">
        An administrator has to do that: you may look and not change.
      </Notice>
    );
  return (
    <>
      <PageHeader
        title="Set up Keyward"
        summary="Three steps, a minute in all. Everything can be changed later."
        actions={
          <Button component={Link} to="/providers" variant="subtle">
            Leave the set-up
          </Button>
        }
      />
      <Stack maw={640}>
        <Stepper
          active={steps.indexOf(step)}
          onStepClick={(index) => go(steps[index] ?? 'encryption')}
          size="sm"
          mb="md"
        >
          <Stepper.Step label="Encryption key">
            <EncryptionStep onDone={() => go('provider')} />
          </Stepper.Step>
          <Stepper.Step label="First key">
            <QueryView query={providers} what="The providers">
              {(all) => (
                <ProviderStep
                  providers={all}
                  chosen={provider}
                  onChoose={(slug) => go('provider', slug)}
                  onDone={() => go('request')}
                />
              )}
            </QueryView>
          </Stepper.Step>
          <Stepper.Step label="First request">
            <QueryView query={providers} what="The providers">
              {(all) => <RequestStep {...servedOf(all, provider)} />}
            </QueryView>
          </Stepper.Step>
        </Stepper>
      </Stack>
    </>
  );
}

/** Who is asked in the first request: the provider of the step before, else one that has a key. */
function servedOf(all: readonly Provider[], chosen: string | undefined) {
  const provider =
    all.find(({ slug }) => slug === chosen) ?? all.find(({ serves }) => serves.source !== null) ?? all[0];
  return { slug: provider?.slug ?? '', example: provider?.example_model ?? null };
}

function EncryptionStep({ onDone }: { readonly onDone: () => void }) {
  const ring = useQuery(encryptionKeysQuery);
  const [isSafe, setSafe] = useState(false);
  return (
    <QueryView query={ring} what="The encryption keys">
      {({ from }) => (
        <Stack gap="md">
          <Text>
            Provider keys are stored under an encryption key. It comes from{' '}
            <span className="mono">{from}</span>. Without it every stored key is lost: keep a copy of it apart
            from the database.
          </Text>
          <Checkbox
            label="I have a copy of it in a safe place"
            checked={isSafe}
            onChange={({ currentTarget }) => setSafe(currentTarget.checked)}
          />
          <Group>
            <Button disabled={!isSafe} onClick={onDone}>
              Go on
            </Button>
          </Group>
        </Stack>
      )}
    </QueryView>
  );
}

function ProviderStep({
  providers,
  chosen,
  onChoose,
  onDone,
}: {
  readonly providers: readonly Provider[];
  readonly chosen: string | undefined;
  readonly onChoose: (slug: string) => void;
  readonly onDone: () => void;
}) {
  const [answer, setAnswer] = useState<SetKeyAnswer | null>(null);
  const provider = providers.find(({ slug }) => slug === chosen);
  return (
    <Stack gap="md">
      <Select
        label="Provider"
        placeholder="Choose one"
        searchable
        data={providers.map(({ slug, display_name: name }) => ({ value: slug, label: name }))}
        value={provider?.slug ?? null}
        onChange={(slug) => {
          setAnswer(null);
          if (slug !== null) onChoose(slug);
        }}
      />
      {provider !== undefined && answer === null && (
        <KeyForm key={provider.slug} provider={provider} onStored={setAnswer} />
      )}
      {answer !== null && <KeyStored answer={answer} />}
      {(answer !== null || provider?.serves.source != null) && (
        <Group>
          <Button onClick={onDone}>Go on</Button>
        </Group>
      )}
    </Stack>
  );
}
