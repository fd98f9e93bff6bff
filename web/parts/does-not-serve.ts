/** What is counted as trouble wherever providers are counted: a stored key, and calls that fail all the same. */
import type { Provider } from '../api/views.ts';

/** Whether its calls fail though a key is stored; a provider that nobody uses is no trouble. */
export function doesNotServe({ is_active: isActive, serves, stored_key: stored }: Provider): boolean {
  return isActive && serves.source === null && stored !== null;
}
