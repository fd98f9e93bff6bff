/** Ctrl K or ⌘ K: goes to a view or a provider by name. */
import {
  Kbd,
  Modal,
  ScrollArea,
  Text,
  TextInput,
  UnstyledButton,
  Group,
  ActionIcon,
  Button,
} from '@mantine/core';
import { useHotkeys, useOs } from '@mantine/hooks';
import { useQuery } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { Search } from 'lucide-react';
import { useState, useSyncExternalStore, type KeyboardEvent } from 'react';
import { providersQuery } from '../api/queries.ts';
import { focusOnView, useFocusReturn } from '../parts/focus-return.ts';
import { Monogram } from '../parts/monogram.tsx';
import classes from './palette.module.css';
import { places } from './places.ts';

let isOpen = false;
const listeners = new Set<() => void>();
function show(open: boolean): void {
  isOpen = open;
  for (const listener of listeners) listener();
}
const subscribe = (listener: () => void): (() => void) => {
  listeners.add(listener);
  return () => listeners.delete(listener);
};

export function PaletteButton() {
  const keys = useOs() === 'macos' ? '⌘ K' : 'Ctrl K';
  return (
    <>
      <Button
        variant="default"
        size="xs"
        visibleFrom="sm"
        leftSection={<Search size={14} aria-hidden />}
        rightSection={<Kbd size="xs">{keys}</Kbd>}
        onClick={() => show(true)}
      >
        Go to…
      </Button>
      <ActionIcon hiddenFrom="sm" variant="default" size="lg" aria-label="Go to…" onClick={() => show(true)}>
        <Search size={16} />
      </ActionIcon>
    </>
  );
}

export function Palette() {
  useHotkeys([['mod+K', () => show(!isOpen)]], []);
  const opened = useSyncExternalStore(subscribe, () => isOpen);
  return opened && <OpenPalette />;
}

function OpenPalette() {
  useFocusReturn();
  return (
    <Modal.Root opened returnFocus={false} onClose={() => show(false)} centered={false} yOffset="12vh">
      <Modal.Overlay backgroundOpacity={0.45} />
      <Modal.Content aria-label="Go to">
        <Modal.Body p={0}>
          <Finder />
        </Modal.Body>
      </Modal.Content>
    </Modal.Root>
  );
}

function goTo(target: Target | undefined): void {
  if (target === undefined) return;
  show(false);
  void target.go().then(focusOnView);
}

interface Target {
  readonly id: string;
  readonly name: string;
  readonly kind: string;
  readonly go: () => Promise<void>;
  readonly mark: React.ReactNode;
}

function Finder() {
  const [words, setWords] = useState('');
  const [chosen, setChosen] = useState(0);
  const targets = useTargets(words);
  const onKeyDown = (event: KeyboardEvent): void => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step !== undefined) {
      event.preventDefault();
      setChosen((now) => (now + step + targets.length) % Math.max(targets.length, 1));
    } else if (event.key === 'Enter') goTo(targets[chosen]);
  };
  return (
    <>
      <TextInput
        data-autofocus
        size="md"
        variant="unstyled"
        px="md"
        py={6}
        placeholder="A view or a provider"
        aria-label="A view or a provider"
        role="combobox"
        aria-expanded
        aria-controls="palette-targets"
        aria-activedescendant={targets[chosen] && `palette-${targets[chosen].id}`}
        leftSection={<Search size={16} aria-hidden />}
        value={words}
        onChange={({ currentTarget }) => {
          setWords(currentTarget.value);
          setChosen(0);
        }}
        onKeyDown={onKeyDown}
      />
      <ScrollArea.Autosize mah="50vh" className={classes['targets']}>
        <div role="listbox" id="palette-targets" aria-label="Found">
          {targets.map((target, index) => (
            <UnstyledButton
              key={target.id}
              id={`palette-${target.id}`}
              role="option"
              aria-selected={index === chosen}
              tabIndex={-1}
              className={classes['target']}
              onMouseEnter={() => setChosen(index)}
              onClick={() => goTo(target)}
            >
              <Group gap="sm" wrap="nowrap">
                {target.mark}
                <Text size="sm" truncate flex={1}>
                  {target.name}
                </Text>
                <Text size="xs" className="quiet">
                  {target.kind}
                </Text>
              </Group>
            </UnstyledButton>
          ))}
        </div>
        {targets.length === 0 && (
          <Text size="sm" className="quiet" p="md" role="status">
            Nothing has this name.
          </Text>
        )}
      </ScrollArea.Autosize>
    </>
  );
}

function useTargets(words: string): Target[] {
  const navigate = useNavigate();
  const { data: providers = [] } = useQuery(providersQuery);
  const needle = words.trim().toLowerCase();
  const views = places
    .filter(({ name, words: others }) => `${name} ${others}`.toLowerCase().includes(needle))
    .map(({ to, name, icon: Icon }) => ({
      id: to.slice(1),
      name,
      kind: 'View',
      go: async () => navigate({ to }),
      mark: <Icon size={18} aria-hidden />,
    }));
  const found = providers
    .filter(({ slug, display_name: name }) => `${slug} ${name}`.toLowerCase().includes(needle))
    .slice(0, 20)
    .map(({ slug, display_name: name }) => ({
      id: `provider-${slug}`,
      name,
      kind: 'Provider',
      go: async () => navigate({ to: '/providers/$slug', params: { slug } }),
      mark: <Monogram slug={slug} name={name} size={20} />,
    }));
  return [...views, ...found];
}
