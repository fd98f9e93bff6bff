/** What a query gave, or why there is nothing to show of it yet. */
import type { ReactNode } from 'react';
import { Failure, LoadingRows } from './states.tsx';

export function QueryView<T>({
  query,
  what,
  rows,
  children,
}: {
  /** Of one answer, or of a list in pages. */
  readonly query: {
    readonly data: T | undefined;
    readonly isError: boolean;
    readonly error: Error | null;
    readonly refetch: () => Promise<unknown>;
  };
  /** What is read, as it stands in "… cannot be read". */
  readonly what: string;
  /** How many lines stand in its place until it is there. */
  readonly rows?: number;
  readonly children: (data: T) => ReactNode;
}) {
  if (query.data !== undefined) return children(query.data);
  if (query.isError)
    return (
      <Failure error={query.error} what={`${what} cannot be read`} onRetry={() => void query.refetch()} />
    );
  return <LoadingRows label={`Reading: ${what}`} rows={rows} />;
}
