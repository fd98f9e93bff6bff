/** Which methods an address answers to, for whoever came with another one (RFC 9110, section 15.5.6). */
import type { DeclaredRoute } from './admission.ts';

/** @returns the methods in the order of the alphabet; empty where there is nothing at the address */
export function allowedMethods(routes: readonly DeclaredRoute[], path: string): string[] {
  const methods = routes.filter(({ url }) => fits(path, url)).map(({ method }) => method);
  return [
    ...new Set(methods.flatMap((method) => (method === 'GET' ? ['GET', 'HEAD'] : [method]))),
  ].toSorted();
}

/** A parameter of the pattern stands for one segment. */
function fits(path: string, pattern: string): boolean {
  const [segments, expected] = [path.split('/'), pattern.split('/')];
  return (
    segments.length === expected.length &&
    expected.every((part, index) =>
      part.startsWith(':') ? segments[index] !== '' : segments[index] === part,
    )
  );
}
