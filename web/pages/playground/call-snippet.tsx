/** The call as it would be sent from elsewhere, with a place for the token and never the token. */
import { SegmentedControl } from '@mantine/core';
import { useState } from 'react';
import { CopyField } from '../../parts/copy-field.tsx';
import { Panel } from '../../parts/panel.tsx';
import { languages, snippet, type Language } from '../set-up/snippets.ts';

export function CallSnippet({ model, message }: { readonly model: string; readonly message: string }) {
  const [language, setLanguage] = useState<Language>('curl');
  return (
    <Panel
      title="The same call from elsewhere"
      description="Put a gateway token in the place of YOUR_GATEWAY_TOKEN."
      actions={
        <SegmentedControl
          size="xs"
          aria-label="Language"
          data={[...languages]}
          value={language}
          onChange={setLanguage}
        />
      }
    >
      <CopyField
        label="the call"
        text={snippet(language, { origin: location.origin, token: null, model, message, isStream: true })}
      />
    </Panel>
  );
}
