/** The SQL that stands in Markdown, as the documents show it and the tests run it. */

/** The statements of every block of SQL, in order; none holds a semicolon at the end of a line of its own. */
export function sqlStatements(markdown: string): string[] {
  const blocks = [...markdown.matchAll(/^( *)```sql\n(.*?)^ *```$/gms)].map(([, , text = '']) => text);
  return blocks.flatMap((text) => text.split(/;\n/)).filter((statement) => statement.trim() !== '');
}

/** The part of a document from this heading up to the next one of the same or a higher level. */
export function sectionOf(markdown: string, heading: string): string {
  const level = /^#+/.exec(heading)?.[0].length ?? 0;
  const start = markdown.indexOf(`${heading}\n`);
  if (level === 0 || start === -1) throw new Error(`there is no section ${heading}`);
  const rest = markdown.slice(start + heading.length);
  const end = rest.search(new RegExp(`^#{1,${level}} `, 'm'));
  return end === -1 ? rest : rest.slice(0, end);
}
