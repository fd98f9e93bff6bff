/** How an act ended, in words. */
import type { AuditEvent } from '../../api/views.ts';
import type { Said } from '../../parts/verdict.tsx';

export const outcomeWords: Readonly<Record<AuditEvent['outcome'], Said>> = {
  done: { word: 'Done', color: 'green' },
  refused: { word: 'Refused', color: 'red' },
  failed: { word: 'Failed', color: 'orange' },
};
