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
  const [isSafe, setSafe] = useState(false);
  if (!mayChange)
    return (
      <QueryView query={providers} what="The providers">
        {(all) => <ForViewer isSetUp={all.some(hasKey)} />}
      </QueryView>
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
          <Stepper.Step label="Encryption key" {...tickOf(1, isSafe)}>
            <EncryptionStep isSafe={isSafe} onSafe={setSafe} onDone={() => go('provider')} />
          </Stepper.Step>
          <Stepper.Step label="First key" {...tickOf(2, providers.data?.some(hasKey) === true)}>
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
  const provider = all.find(({ slug }) => slug === chosen) ?? all.find(hasKey) ?? all[0];
  return { slug: provider?.slug ?? '', example: provider?.example_model ?? null };
}

const hasKey = ({ serves }: Provider): boolean => serves.source !== null;

/** Who has gone past a step has not done it by that: its number stands as long as it is not so. */
function tickOf(number: number, isDone: boolean) {
  return isDone ? {} : { completedIcon: <span>{number}</span>, color: 'gray' };
}

function ForViewer({ isSetUp }: { readonly isSetUp: boolean }) {
  if (!isSetUp)
    return (
      <Notice title="Nothing is set up yet">
        An administrator has to do that: you may look and not change.
      </Notice>
    );
  return (
    <Notice
      title="Keyward is set up"
      action={
        <Button component={Link} to="/providers">
          To the provider keys
        </Button>
      }
    >
      A key serves. What is changed here, an administrator changes: you may look.
    </Notice>
  );
}

function EncryptionStep({
  isSafe,
  onSafe,
  onDone,
}: {
  readonly isSafe: boolean;
  readonly onSafe: (isSafe: boolean) => void;
  readonly onDone: () => void;
}) {
  const ring = useQuery(encryptionKeysQuery);
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
            onChange={({ currentTarget }) => onSafe(currentTarget.checked)}
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
