/** The same request in the languages that people paste from. */
export interface RequestParts {
  readonly origin: string;
  /** Null: a place to put one in. */
  readonly token: string | null;
  readonly model: string;
  /** `Hello` where absent. */
  readonly message?: string;
  /** The answer is asked for piece by piece. */
  readonly isStream?: boolean;
}

export const languages = ['curl', 'Python', 'JavaScript'] as const;
export type Language = (typeof languages)[number];

export function snippet(
  language: Language,
  { origin, token, model, message = 'Hello', isStream = false }: RequestParts,
): string {
  const shown = token ?? 'YOUR_GATEWAY_TOKEN';
  const base = JSON.stringify(`${origin}/v1`);
  const named = JSON.stringify(model);
  const said = JSON.stringify(message);
  const body = `{"model": ${named}, "messages": [{"role": "user", "content": ${said}}]${isStream ? ', "stream": true' : ''}}`;
  const lines: Readonly<Record<Language, readonly string[]>> = {
    curl: [
      `curl ${isStream ? '-N ' : ''}${origin}/v1/chat/completions \\`,
      `  -H "Authorization: Bearer ${shown}" \\`,
      '  -H "Content-Type: application/json" \\',
      // A quote ends the text for the shell; one of its own stands between two texts.
      `  -d '${body.replaceAll("'", String.raw`'\''`)}'`,
    ],
    Python: [
      'from openai import OpenAI',
      '',
      `client = OpenAI(base_url=${base}, api_key=${JSON.stringify(shown)})`,
      'answer = client.chat.completions.create(',
      `    model=${named},`,
      `    messages=[{"role": "user", "content": ${said}}],`,
      ...(isStream
        ? [
            '    stream=True,',
            ')',
            'for chunk in answer:',
            '    for choice in chunk.choices:',
            '        print(choice.delta.content or "", end="", flush=True)',
          ]
        : [')', 'print(answer.choices[0].message.content)']),
    ],
    JavaScript: [
      "import OpenAI from 'openai';",
      '',
      `const client = new OpenAI({ baseURL: ${base}, apiKey: ${JSON.stringify(shown)} });`,
      'const answer = await client.chat.completions.create({',
      `  model: ${named},`,
      `  messages: [{ role: 'user', content: ${said} }],`,
      ...(isStream
        ? [
            '  stream: true,',
            '});',
            'for await (const chunk of answer)',
            "  process.stdout.write(chunk.choices[0]?.delta.content ?? '');",
          ]
        : ['});', 'console.log(answer.choices[0].message.content);']),
    ],
  };
  return lines[language].join('\n');
}
