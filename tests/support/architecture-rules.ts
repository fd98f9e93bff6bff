/**
 * The rules of the house, as functions from sources to sentences that each name a breach. They take the
 * sources as a map, so that a test can show each rule a breach that does not exist.
 */
import { importsOf, withoutComments, type Import } from './scan-source.ts';

/** Path from the root of src/, with forward slashes, to source. */
export type Sources = ReadonlyMap<string, string>;

export interface House {
  /** Rooms by floor, from the top down: directories of src/, and the files that stand directly in it. */
  readonly floors: readonly (readonly string[])[];
  /** Imports that the floors would allow, room by room. */
  readonly forbidden: readonly (readonly [from: string, to: string])[];
  /** Packages that one room alone may import; a trailing slash stands for a whole scope. */
  readonly packages: Readonly<Record<string, string>>;
  /** The files that may read process.env. */
  readonly environmentReaders: RegExp;
  /** The files that call reveal(), no more and no fewer. */
  readonly revealers: readonly string[];
  readonly providerRoom: string;
  readonly providerNames: readonly string[];
}

interface File {
  readonly path: string;
  readonly room: string;
  readonly source: string;
  readonly code: string;
  readonly imports: readonly Import[];
}

type Rule = (files: readonly File[], house: House) => string[];

/** Every breach of every rule, one sentence each. */
export function breaches(sources: Sources, house: House): string[] {
  const files = [...sources].map(([path, source]): File => {
    const code = withoutComments(source);
    return { path, room: roomOf(path), source, code, imports: importsOf(path, code) };
  });
  return rules.flatMap((rule) => rule(files, house));
}

const roomOf = (path: string): string => path.split('/')[0] ?? path;

const importsRunDown: Rule = (files, { floors }) => {
  const floorOf = (room: string): number => floors.findIndex((rooms) => rooms.includes(room));
  return files.flatMap(({ path, room, imports }) => {
    if (floorOf(room) === -1) return [`${path} stands in ${room}, which is on no floor`];
    return imports
      .flatMap(({ file }) => (file === undefined ? [] : [file]))
      .filter((file) => roomOf(file) !== room && floorOf(roomOf(file)) <= floorOf(room))
      .map((file) => `${path} imports ${file}, which is not below it`);
  });
};

const forbiddenRooms: Rule = (files, { forbidden }) =>
  files.flatMap(({ path, room, imports }) =>
    imports
      .filter(({ file }) =>
        forbidden.some(([from, to]) => from === room && file !== undefined && roomOf(file) === to),
      )
      .map(({ file }) => `${path} imports ${file}, which ${room} must not`),
  );

const packagesStayHome: Rule = (files, { packages }) =>
  files.flatMap(({ path, room, imports }) =>
    Object.entries(packages).flatMap(([name, home]) =>
      imports
        .filter(
          ({ specifier }) =>
            room !== home && `${specifier}/`.startsWith(name.endsWith('/') ? name : `${name}/`),
        )
        .map(({ specifier }) => `${path} imports ${specifier}, which belongs in ${home} alone`),
    ),
  );

const noCycles: Rule = (files) => {
  const targets = new Map(
    files.map(({ path, imports }) => [
      path,
      imports.flatMap(({ file }) => (file === undefined ? [] : [file])),
    ]),
  );
  const finished = new Set<string>();
  const visit = (path: string, trail: readonly string[]): string[] => {
    if (trail.includes(path))
      return [`${[...trail.slice(trail.indexOf(path)), path].join(' → ')} is a cycle`];
    if (finished.has(path)) return [];
    const found = (targets.get(path) ?? []).flatMap((target) => visit(target, [...trail, path]));
    finished.add(path);
    return found;
  };
  return [...targets.keys()].flatMap((path) => visit(path, []));
};

const environmentIsReadInOnePlace: Rule = (files, { environmentReaders }) =>
  files
    .filter(({ path, code }) => !environmentReaders.test(path) && readsEnvironment(code))
    .map(({ path }) => `${path} reads process.env`);

const readsEnvironment = (code: string): boolean =>
  [
    /\bprocess\s*(?:\?\.|\.)\s*env\b/,
    /\bprocess\s*(?:\?\.)?\s*\[\s*['"`]env/,
    /\{[^{}]*\benv\b[^{}]*\}\s*=\s*process\b/,
    /\bimport\s*\{[^{}]*\benv\b[^{}]*\}\s*from\s*['"](?:node:)?process['"]/,
  ].some((pattern) => pattern.test(code));

const secretsAreRevealedWhereListed: Rule = (files, { revealers }) => {
  const found = files
    .filter(({ code }) => /\.\s*reveal\b|\[\s*['"`]reveal/.test(code))
    .map(({ path }) => path);
  return [
    ...found
      .filter((path) => !revealers.includes(path))
      .map((path) => `${path} calls reveal() and is not listed`),
    ...revealers
      .filter((path) => !found.includes(path))
      .map((path) => `${path} is listed and does not call reveal()`),
  ];
};

const providersAreDataElsewhere: Rule = (files, { providerRoom, providerNames }) => {
  const literal = `['"\`](?:${providerNames.join('|')})\\b`;
  const comparison = new RegExp(
    [
      `[=!]==?\\s*${literal}`,
      `${literal}[^'"\`]*['"\`]\\s*[=!]==?`,
      `\\bcase\\s+${literal}`,
      `\\.(?:includes|startsWith|endsWith|has|test|match)\\s*\\(\\s*${literal}`,
    ].join('|'),
    'i',
  );
  return files
    .filter(({ room, code }) => room !== providerRoom && comparison.test(code))
    .map(({ path }) => `${path} compares with the name of a provider`);
};

const emptyNames = new Set(['util', 'utils', 'helper', 'helpers', 'common', 'manager', 'managers', 'misc']);

const namesSayWhat: Rule = (files) =>
  files.flatMap(({ path }) => {
    const parts = path.replace(/\.ts$/, '').split('/');
    if (parts.at(-1) === 'index') return [`${path} is an index`];
    if (!path.endsWith('.ts') || parts.some((part) => !/^[a-z0-9]+(?:-[a-z0-9]+)*$/.test(part))) {
      return [`${path} is not a kebab-case .ts name`];
    }
    const empty = parts.flatMap((part) => part.split('-')).find((word) => emptyNames.has(word));
    return empty === undefined ? [] : [`${path} is named ${empty}, which says nothing`];
  });

const exportsHaveNames: Rule = (files) =>
  files
    .filter(({ code }) => /\bexport\s+default\b|\bas\s+default\b/.test(code))
    .map(({ path }) => `${path} has a default export`);

const filesSayWhatTheyOwn: Rule = (files) =>
  files
    .filter(({ source }) => !source.startsWith('/**'))
    .map(({ path }) => `${path} does not open with a /** comment`);

const rules: readonly Rule[] = [
  importsRunDown,
  forbiddenRooms,
  packagesStayHome,
  noCycles,
  environmentIsReadInOnePlace,
  secretsAreRevealedWhereListed,
  providersAreDataElsewhere,
  namesSayWhat,
  exportsHaveNames,
  filesSayWhatTheyOwn,
];
