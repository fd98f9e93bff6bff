/**
 * Runs a stand-in provider as a process of its own. Prints one line of JSON, {"baseUrl","origin","port"},
 * on stdout when it listens; ends when stdin closes or on SIGTERM.
 *
 *   node tests/support/stand-in-provider-main.ts --slug openrouter --key-file FILE | --key-env NAME
 *     [--port 0] [--base-path PATH] [--fixed-answer]
 *
 * The key never stands among the arguments, which every user of the machine can read. The file holds
 * one key a line.
 */
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { startStandInProvider } from './stand-in-provider.ts';

const { values } = parseArgs({
  options: {
    slug: { type: 'string', default: 'openrouter' },
    port: { type: 'string', default: '0' },
    'key-file': { type: 'string' },
    'key-env': { type: 'string' },
    'base-path': { type: 'string' },
    'fixed-answer': { type: 'boolean', default: false },
  },
});

const standIn = await startStandInProvider({
  slug: values.slug,
  port: Number(values.port),
  keys: [...keysFromFile(values['key-file']), ...keysFromEnvironment(values['key-env'])],
  fixedAnswer: values['fixed-answer'],
  ...(values['base-path'] === undefined ? {} : { basePath: values['base-path'] }),
});

const { baseUrl, origin, port } = standIn;
process.stdout.write(`${JSON.stringify({ baseUrl, origin, port })}\n`);

const stop = () => void standIn.close().then(() => process.exit(0));
process.once('SIGTERM', stop);
process.stdin.once('close', stop).resume();

function keysFromFile(path: string | undefined): string[] {
  if (path === undefined) return [];
  return readFileSync(path, 'utf8')
    .split('\n')
    .filter((key) => key !== '');
}

function keysFromEnvironment(name: string | undefined): string[] {
  const key = name === undefined ? undefined : process.env[name];
  return key === undefined ? [] : [key];
}
