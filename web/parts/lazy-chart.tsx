/** A chart is read when it is first seen. One that cannot be drawn leaves the table, which says the same, and says so. */
import './usable-language.ts';
import { Text } from '@mantine/core';
import { lazy, type ComponentType, type LazyExoticComponent } from 'react';

export function lazyChart<Props extends object>(
  read: () => Promise<ComponentType<Props>>,
): LazyExoticComponent<ComponentType<Props>> {
  return lazy(async () => {
    try {
      return { default: await read() };
    } catch {
      return { default: NotDrawn };
    }
  });
}

function NotDrawn() {
  return (
    <Text size="sm" className="quiet">
      The chart could not be loaded: load the page anew to see it. The table says the same.
    </Text>
  );
}
