/** The same request in the languages that people paste from. */
export interface RequestParts {
  readonly origin: string;
  /** Null: a place to put one in. */
  readonly token: string | null;
  readonly model: string;
}

export const languages = ['curl', 'Python', 'JavaScript'] as const;
export type Language = (typeof languages)[number];

export function snippet(language: Language, { origin, token, model }: RequestParts): string {
  const shown = token ?? 'YOUR_GATEWAY_TOKEN';
  const base = JSON.stringify(`${origin}/v1`);
  const lines: Readonly<Record<Language, readonly string[]>> = {
    curl: [
      `curl ${origin}/v1/chat/completions \\`,
      `  -H "Authorization: Bearer ${shown}" \\`,
      '  -H "Content-Type: application/json" \\',
      `  -d '{"model": ${JSON.stringify(model)}, "messages": [{"role": "user", "content": "Hello"}]}'`,
    ],
    Python: [
      'from openai import OpenAI',
      '',
      `client = OpenAI(base_url=${base}, api_key=${JSON.stringify(shown)})`,
      'answer = client.chat.completions.create(',
      `    model=${JSON.stringify(model)},`,
      '    messages=[{"role": "user", "content": "Hello"}],',
      ')',
      'print(answer.choices[0].message.content)',
    ],
    JavaScript: [
      "import OpenAI from 'openai';",
      '',
      `const client = new OpenAI({ baseURL: ${base}, apiKey: ${JSON.stringify(shown)} });`,
      'const answer = await client.chat.completions.create({',
      `  model: ${JSON.stringify(model)},`,
      "  messages: [{ role: 'user', content: 'Hello' }],",
      '});',
      'console.log(answer.choices[0].message.content);',
    ],
  };
  return lines[language].join('\n');
}
