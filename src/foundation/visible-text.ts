/** Makes what others said harmless to show: it may neither begin a new line nor steer the terminal. */
export function visible(text: string): string {
  return text.replace(/\p{Cc}/gu, (character) =>
    character === '\n' ? '\\n' : `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
