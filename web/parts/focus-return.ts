/**
 * Where the keyboard goes on when a dialog is gone: at the control that opened it, also where that was an entry
 * of a menu, which is gone before the dialog is; at the content of the view where the control is gone too.
 */
import { useEffect, useState } from 'react';

/** The control that had the focus last. An entry of a menu does not count, but what opened the menu does. */
let lastControl: Element | null = null;
document.addEventListener('focusin', ({ target }) => {
  if (target instanceof Element && target.closest('[role="menu"]') === null) lastControl = target;
});

/** For what is there as long as a dialog is open. */
export function useFocusReturn(): void {
  const [opener] = useState(lastControl);
  useEffect(
    () => () => {
      // After all that follows from what was done: it may have a better place for the focus.
      setTimeout(() => {
        if (isNowhere()) focusOn(opener);
        if (isNowhere()) focusOnView();
      });
    },
    [opener],
  );
}

/** For who has gone somewhere else: what they came from is gone, or about to go. */
export function focusOnView(): void {
  focusOn(document.getElementById('view'));
}

/** What has the focus and is taken away leaves it with the whole page. */
function isNowhere(): boolean {
  return document.activeElement === null || document.activeElement === document.body;
}

function focusOn(element: Element | null): void {
  if (element instanceof HTMLElement && element.isConnected) element.focus({ preventScroll: true });
}
