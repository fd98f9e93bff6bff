/** The settings that a kind of channel takes. Addresses of Slack and Teams are secrets themselves. */
import { Button, Group, NumberInput, Select, Switch, TextInput } from '@mantine/core';
import { CopyField } from '../../parts/copy-field.tsx';
import { KeyField } from '../../parts/key-field.tsx';
import { makeWebhookSecret, type ChannelForm, type SettingsForm } from './channel-form.ts';

interface Fields {
  readonly settings: SettingsForm;
  readonly faultOf: (field: string) => string | undefined;
  readonly onChange: (part: Partial<SettingsForm>) => void;
}

export function ChannelSettingsFields({ kind, ...fields }: Fields & { readonly kind: ChannelForm['kind'] }) {
  return (
    <>
      {kind === 'email' ? <MailFields {...fields} /> : <PostFields kind={kind} {...fields} />}
      <Switch
        label="It is in a private network"
        description="Else addresses that are not public are refused."
        checked={fields.settings.allowPrivateNetwork}
        onChange={({ currentTarget }) => fields.onChange({ allowPrivateNetwork: currentTarget.checked })}
      />
    </>
  );
}

const urlWords: Readonly<Record<string, string>> = {
  slack: 'Of an incoming webhook: https://hooks.slack.com/services/… It is never shown again.',
  teams: 'Of a workflow that posts to a channel when a webhook request is received. It is never shown again.',
  webhook: 'It gets signed messages, as Standard Webhooks has them. Its path is never shown again.',
};

function PostFields({ kind, settings, faultOf, onChange }: Fields & { readonly kind: string }) {
  return (
    <>
      <KeyField
        label="Address"
        description={urlWords[kind] ?? ''}
        isFirst={false}
        value={settings.url}
        error={faultOf('settings.url')}
        onChange={(url) => onChange({ url })}
      />
      {kind === 'webhook' && (
        <>
          <Group align="flex-end" gap="xs" wrap="nowrap">
            <div style={{ flex: 1 }}>
              <KeyField
                label="Signing secret"
                description="24 to 64 bytes in base64. The receiver checks messages with it."
                isFirst={false}
                value={settings.secret}
                error={faultOf('settings.secret')}
                onChange={(secret) => onChange({ secret })}
              />
            </div>
            {settings.secret === '' && (
              <Button variant="default" onClick={() => onChange({ secret: makeWebhookSecret() })}>
                Make one
              </Button>
            )}
          </Group>
          {settings.secret.startsWith('whsec_') && (
            <CopyField label="the secret, it is not shown again" text={settings.secret} />
          )}
        </>
      )}
    </>
  );
}

function MailFields({ settings, faultOf, onChange }: Fields) {
  const text = (field: 'host' | 'username' | 'from' | 'to', label: string, description?: string) => (
    <TextInput
      label={label}
      description={description}
      required={field !== 'username'}
      withAsterisk={false}
      value={settings[field]}
      error={faultOf(`settings.${field}`)}
      onChange={({ currentTarget }) => onChange({ [field]: currentTarget.value })}
    />
  );
  return (
    <>
      {text('host', 'SMTP server')}
      <Group grow align="flex-start">
        <Select
          label="Encryption"
          allowDeselect={false}
          data={[
            { value: 'starttls', label: 'STARTTLS' },
            { value: 'tls', label: 'TLS from the start' },
            { value: 'none', label: 'None: this machine only' },
          ]}
          value={settings.security}
          error={faultOf('settings.security')}
          onChange={(value) => value !== null && onChange({ security: value })}
        />
        <NumberInput
          label="Port"
          placeholder={settings.security === 'tls' ? '465' : '587'}
          hideControls
          allowDecimal={false}
          min={1}
          max={65_535}
          value={settings.port}
          error={faultOf('settings.port')}
          onChange={(port) => onChange({ port: String(port) })}
        />
      </Group>
      {text('username', 'User name', 'Where the server asks for one.')}
      {settings.username.trim() !== '' && (
        <KeyField
          label="Password"
          isFirst={false}
          value={settings.password}
          error={faultOf('settings.password')}
          onChange={(password) => onChange({ password })}
        />
      )}
      {text('from', 'Sender')}
      {text('to', 'Receivers', 'At most 20, with commas between them.')}
    </>
  );
}
