/**
 * The places in a document that a program fills: code blocks between a comment that names them and an end
 * mark. All else in the document belongs to its author.
 */

const block = /<!-- transcript: (\S+) -->\n.*?<!-- end of transcript -->/gs;

export function markedNames(document: string): string[] {
  return [...document.matchAll(block)].map(([, name = '']) => name);
}

/** @throws Error when the document has a place for which there is no text, or no place for a text */
export function fillMarked(document: string, texts: ReadonlyMap<string, string>): string {
  const names = markedNames(document);
  const unplaced = [...texts.keys()].filter((name) => !names.includes(name));
  if (unplaced.length > 0) throw new Error(`the document has no place for ${unplaced.join(', ')}`);
  return document.replaceAll(block, (_, name: string) => {
    const text = texts.get(name);
    if (text === undefined) throw new Error(`nothing fills the place ${name}`);
    return `<!-- transcript: ${name} -->\n\`\`\`console\n${text.trimEnd()}\n\`\`\`\n<!-- end of transcript -->`;
  });
}
