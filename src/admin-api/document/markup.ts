/** HTML put together from text: whatever is filled in is escaped, unless it is markup already. */

export class Markup {
  readonly html: string;

  constructor(html: string) {
    this.html = html;
  }
}

type Filling = string | number | Markup | readonly Markup[];

export function html(strings: TemplateStringsArray, ...fillings: readonly Filling[]): Markup {
  return new Markup(
    strings.reduce((text, string, index) => text + filled(fillings[index - 1] ?? '') + string),
  );
}

function filled(filling: Filling): string {
  if (filling instanceof Markup) return filling.html;
  if (typeof filling === 'object') return filling.map((one) => one.html).join('');
  return escaped(String(filling));
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function escaped(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => entities[character] ?? character);
}

/** The Markdown that our descriptions use: `code`, **strong**, and paragraphs. */
export function prose(text: string): Markup {
  const paragraphs = text.split('\n\n').filter((paragraph) => paragraph !== '');
  return new Markup(paragraphs.map((paragraph) => `<p>${inline(paragraph).html}</p>`).join('\n'));
}

export function inline(text: string): Markup {
  return new Markup(
    escaped(text)
      .replaceAll(/`([^`]+)`/g, '<code>$1</code>')
      .replaceAll(/\*\*([^*]+)\*\*/g, '<strong>$1</strong>'),
  );
}
