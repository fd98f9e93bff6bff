/** `keyward models alias`: set, listed, removed. */
import { expect, it } from 'vitest';
import { commandLine } from '../support/command-line.ts';

it('aliases are set, listed and removed', { timeout: 120_000 }, async () => {
  const { run } = await commandLine();
  expect((await run('models alias list')).transcript).toMatchInlineSnapshot(`
    "$ keyward models alias list
    ALIAS  MODELS  BY  AGE
    ! No name stands for a model. Set one with: keyward models alias set <alias> <models…>
    "
  `);
  expect((await run('models alias set fast groq/llama openai/mini')).transcript).toMatchInlineSnapshot(`
    "$ keyward models alias set fast groq/llama openai/mini
    fast stands for groq/llama, then openai/mini. Revision N; no server is running.
    "
  `);
  expect((await run('models alias set fast gorq/llama')).transcript).toMatchInlineSnapshot(`
    "$ keyward models alias set fast gorq/llama
    ! keyward: "gorq/llama" is no alias and names no provider. Say it as provider/model. Known here: anthropic, cohere, deepseek, fireworks, google, groq, mistral, openai, openrouter, perplexity, together, xai. Nothing was changed.
    (exit code 2)
    "
  `);
  expect((await run('models alias set fast')).exitCode).toBe(2);
  expect((await run('models alias set a*b groq/llama')).transcript).toMatchInlineSnapshot(`
    "$ keyward models alias set a*b groq/llama
    ! keyward: Nothing was changed: it must hold no blanks, and a * at its end only.
    (exit code 2)
    "
  `);
  expect((await run('models alias list --json')).json).toMatchObject({
    aliases: [{ alias: 'fast', targets: ['groq/llama', 'openai/mini'] }],
  });
  expect((await run('models alias remove fast')).transcript).toMatchInlineSnapshot(`
    "$ keyward models alias remove fast
    fast stands for nothing any more. Revision N; no server is running.
    "
  `);
  expect((await run('models alias remove fast')).transcript).toMatchInlineSnapshot(`
    "$ keyward models alias remove fast
    ! keyward: There is no such name of a model.
    (exit code 2)
    "
  `);
});
