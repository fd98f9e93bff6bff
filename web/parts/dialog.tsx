/** A dialog with a title, open for as long as it is there. Its head is no landmark: a page has one banner. */
import { CloseButton, Group, Modal } from '@mantine/core';
import type { ReactNode } from 'react';
import { useFocusReturn } from './focus-return.ts';

export function Dialog({
  title,
  onClose,
  children,
  size = 'md',
  isFirm = false,
}: {
  readonly title: string;
  readonly onClose: () => void;
  readonly children: ReactNode;
  readonly size?: string | number;
  /** It is left by its buttons alone: what it shows cannot be shown again. */
  readonly isFirm?: boolean;
}) {
  useFocusReturn();
  return (
    <Modal.Root
      opened
      returnFocus={false}
      onClose={onClose}
      centered
      size={size}
      closeOnEscape={!isFirm}
      closeOnClickOutside={!isFirm}
    >
      <Modal.Overlay backgroundOpacity={0.45} />
      <Modal.Content>
        <Group justify="space-between" wrap="nowrap" align="flex-start" px="lg" pt="lg" pb="xs">
          <Modal.Title fz="h2" fw={600}>
            {title}
          </Modal.Title>
          {!isFirm && <CloseButton aria-label="Close" onClick={onClose} />}
        </Group>
        <Modal.Body p="lg" pt={0}>
          {children}
        </Modal.Body>
      </Modal.Content>
    </Modal.Root>
  );
}
