/** Reads what the architecture rules need out of TypeScript source, by a plain scan rather than a parse. */
import { posix } from 'node:path';

export interface Import {
  /** As written. */
  readonly specifier: string;
  /** The imported file, from the root of src/; undefined for a package or a file outside src/. */
  readonly file: string | undefined;
}

/** Comments, and what must be recognised lest something in it be taken for one: strings, templates, patterns. */
const tokens =
  /(?<comment>\/\/.*|\/\*[\s\S]*?\*\/)|'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|`(?:\\[\s\S]|[^`\\])*`|(?<=[(,=:[!&|?{};>]\s*|\breturn\s+)\/(?![/*])(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n[])+\//g;

const imports =
  /\b(?:import|export)\b[^'"`;]*?\bfrom\s*(['"])(?<from>[^'"]+)\1|\bimport\s*\(?\s*(['"`])(?<of>[^'"`]+)\3/g;

/** The source without its comments. */
export function withoutComments(source: string): string {
  return source.replaceAll(tokens, (token: string, ...rest: unknown[]) => {
    const { comment } = rest.at(-1) as { comment: string | undefined };
    return comment === undefined ? token : ' ';
  });
}

/**
 * All imports and re-exports of a file, types and dynamic ones included.
 * @param file its path from the root of src/
 * @param code its source without comments
 */
export function importsOf(file: string, code: string): Import[] {
  return [...code.matchAll(imports)].map(({ groups }) => {
    const specifier = groups?.['from'] ?? groups?.['of'] ?? '';
    const target = posix.join(posix.dirname(file), specifier);
    const inside = specifier.startsWith('.') && !target.startsWith('..');
    return { specifier, file: inside ? target : undefined };
  });
}
