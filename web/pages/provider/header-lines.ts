/** Request headers as lines of text, `name: value`, and back. What a header may be, the server says. */

export function headerLines(headers: Readonly<Record<string, string>> | null): string {
  return Object.entries(headers ?? {})
    .toSorted(([one], [other]) => one.localeCompare(other))
    .map(([name, value]) => `${name}: ${value}`)
    .join('\n');
}

/** Null where there are none. */
export function headersIn(text: string): Record<string, string> | null {
  const headers = linesIn(text).map((line) => {
    const colon = line.indexOf(':');
    return [line.slice(0, colon).trim(), line.slice(colon + 1).trim()] as const;
  });
  return headers.length === 0 ? null : Object.fromEntries(headers);
}

/** What stands in the way of reading the lines as headers, in words. */
export function headerFault(text: string): string | undefined {
  const lines = linesIn(text);
  const odd = lines.findIndex((line) => !/^[^\s:]+\s*:/.test(line));
  if (odd >= 0) return `Line ${odd + 1} is not of the form name: value.`;
  const names = lines.map((line) => line.slice(0, line.indexOf(':')).trim().toLowerCase());
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  return twice === undefined ? undefined : `${twice} stands there twice.`;
}

function linesIn(text: string): string[] {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
}
