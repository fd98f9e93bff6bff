/** The events that are shown, all of them, as a file: the browser takes it as it arrives. */
import { Button, Menu } from '@mantine/core';
import { Download } from 'lucide-react';
import type { AuditFilter } from '../../api/views.ts';
import { saysNothing } from '../../parts/says-nothing.ts';

const formats = [
  { format: 'csv', words: 'CSV, for a spreadsheet' },
  { format: 'jsonl', words: 'JSON lines, for programs' },
] as const;

export function ExportMenu({ filter }: { readonly filter: AuditFilter }) {
  const isAll = saysNothing(filter);
  return (
    <Menu position="bottom-end">
      <Menu.Target>
        <Button variant="default" leftSection={<Download size={16} aria-hidden />}>
          Export
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>{isAll ? 'All events' : 'The events that are shown'}</Menu.Label>
        {formats.map(({ format, words }) => (
          <Menu.Item
            key={format}
            component="a"
            href={`/api/v1/admin/audit-logs/export?${queryOf({ format, ...filter })}`}
            download
          >
            {words}
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  );
}

function queryOf(parameters: Readonly<Record<string, string | undefined>>): string {
  const given = Object.entries(parameters).filter(
    (entry): entry is [string, string] => entry[1] !== undefined,
  );
  return new URLSearchParams(given).toString();
}
