/** Makes a token, and shows it this once. */
import { Alert, Box, Button, Group, Select, Stack, Text, TextInput } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { ChevronDown, ChevronRight } from 'lucide-react';
import { useId, useState, type FormEvent } from 'react';
import { api, ApiError, read } from '../../api/client.ts';
import type { NewToken, Token } from '../../api/views.ts';
import { CopyField } from '../../parts/copy-field.tsx';
import { Dialog } from '../../parts/dialog.tsx';
import { NotDone } from '../../parts/states.tsx';
import { LimitFields } from '../callers/limit-fields.tsx';
import {
  limitChanges,
  limitFormOf,
  limitNamed,
  limitsIn,
  noLimits,
  sayLimits,
  type LimitForm,
  type Limits,
} from '../callers/limits.ts';

const lifetimes = [
  { value: '30', label: 'in 30 days' },
  { value: '90', label: 'in 90 days' },
  { value: '365', label: 'in a year' },
  { value: '0', label: 'never' },
];

export function NewTokenDialog({
  kind,
  onClose,
}: {
  readonly kind: Token['kind'];
  readonly onClose: () => void;
}) {
  const [made, setMade] = useState<NewToken | null>(null);
  return (
    <Dialog
      title={kind === 'admin' ? 'Make an admin token' : 'Make a gateway token'}
      onClose={onClose}
      isFirm={made !== null}
    >
      {made === null ? (
        <TokenForm kind={kind} onMade={setMade} onClose={onClose} />
      ) : (
        <Stack gap="md">
          <Alert color="yellow" title="It is shown this once">
            <Text size="sm">Keyward keeps a hash of it and cannot show it again. Copy it now.</Text>
          </Alert>
          <CopyField label="the token" text={made.token} />
          <Group justify="flex-end">
            <Button onClick={onClose}>I have copied it</Button>
          </Group>
        </Stack>
      )}
    </Dialog>
  );
}

function TokenForm({
  kind,
  onMade,
  onClose,
}: {
  readonly kind: Token['kind'];
  readonly onMade: (token: NewToken) => void;
  readonly onClose: () => void;
}) {
  const queries = useQueryClient();
  const [name, setName] = useState('');
  const [role, setRole] = useState<'admin' | 'viewer'>('viewer');
  const [days, setDays] = useState(kind === 'admin' ? '90' : '0');
  const [limits, setLimits] = useState(limitFormOf(noLimits));
  const [isLimiting, setLimiting] = useState(false);
  const making = useMutation({
    mutationFn: async () =>
      read(
        api.POST('/api/v1/admin/tokens', {
          params: { query: { wait: 'applied' } },
          body: {
            kind,
            name: name.trim(),
            ...(kind === 'admin' ? { role } : limitChanges(limits, noLimits)),
            ...(days !== '0' && {
              expires_at: new Date(Date.now() + Number(days) * 86_400_000).toISOString(),
            }),
          },
        }),
      ),
    onSuccess: (token) => {
      void queries.invalidateQueries({ queryKey: ['audit'] });
      onMade(token);
    },
    // A fault is said at its field.
    onError: (error) => {
      if (error instanceof ApiError && limitNamed(error.param) !== undefined) setLimiting(true);
    },
    gcTime: 0,
  });
  const fault = making.error instanceof ApiError ? making.error : null;
  const told = fault?.param === 'name' ? 'name' : limitNamed(fault?.param ?? null);
  const faultOf = (field: 'name' | keyof Limits): string | undefined =>
    field === told ? fault?.message : undefined;
  return (
    <form
      onSubmit={(event: FormEvent) => {
        event.preventDefault();
        making.mutate();
      }}
    >
      <Stack gap="sm">
        <TextInput
          data-autofocus
          label="Name"
          description={kind === 'admin' ? 'Of the person or the program.' : 'Of the application.'}
          required
          value={name}
          error={faultOf('name')}
          onChange={({ currentTarget }) => setName(currentTarget.value)}
        />
        {kind === 'admin' && (
          <Select
            label="Role"
            allowDeselect={false}
            data={[
              { value: 'viewer', label: 'Viewer: may look' },
              { value: 'admin', label: 'Administrator: may change' },
            ]}
            value={role}
            onChange={(value) => setRole(value === 'admin' ? 'admin' : 'viewer')}
          />
        )}
        <Select
          label="Expires"
          allowDeselect={false}
          data={lifetimes}
          value={days}
          onChange={(value) => setDays(value ?? '0')}
        />
        {kind === 'gateway' && (
          <LimitSection
            limits={limits}
            isOpen={isLimiting}
            onOpen={setLimiting}
            faultOf={faultOf}
            onChange={(part) => setLimits((now) => ({ ...now, ...part }))}
          />
        )}
        {making.isError && told === undefined && <NotDone error={making.error} what="No token was made" />}
        <Group justify="flex-end" mt="xs">
          <Button variant="default" onClick={onClose}>
            Cancel
          </Button>
          <Button type="submit" disabled={name.trim() === ''} loading={making.isPending}>
            Make the token
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

/** Closed until somebody wants limits; what they are is said there too. */
function LimitSection({
  limits,
  isOpen,
  onOpen,
  faultOf,
  onChange,
}: {
  readonly limits: LimitForm;
  readonly isOpen: boolean;
  readonly onOpen: (isOpen: boolean) => void;
  readonly faultOf: (field: keyof Limits) => string | undefined;
  readonly onChange: (part: Partial<LimitForm>) => void;
}) {
  const id = useId();
  return (
    <div>
      <Button
        variant="subtle"
        size="compact-sm"
        ml={-8}
        leftSection={isOpen ? <ChevronDown size={16} aria-hidden /> : <ChevronRight size={16} aria-hidden />}
        aria-expanded={isOpen}
        aria-controls={id}
        onClick={() => onOpen(!isOpen)}
      >
        Owner and limits
      </Button>
      {!isOpen && (
        <Text size="xs" className="quiet">
          {said(limitsIn(limits))}
        </Text>
      )}
      <Box id={id} hidden={!isOpen} pt="xs">
        {isOpen && <LimitFields form={limits} faultOf={faultOf} onChange={onChange} />}
      </Box>
    </div>
  );
}

function said({ owner, ...limits }: Limits): string {
  return owner === null ? `${sayLimits(limits)}.` : `Of ${owner}. ${sayLimits(limits)}.`;
}
