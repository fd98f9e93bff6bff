/** `keyward serve`: starts the server, tells a newcomer everything once, and ends it in good order. */
import { loadConfig, type Config } from '../foundation/config.ts';
import { createLogger, type Logger } from '../foundation/logger.ts';
import type { Secret } from '../foundation/secret.ts';
import { version } from '../foundation/version.ts';
import { keysIn, type Snapshot } from '../keys/snapshot.ts';
import { redactSecrets } from '../providers/redact.ts';
import { startServer, type RunningServer } from '../server.ts';
import { print, remark, styled } from './terminal.ts';

/** What closing the rooms may take after the last request. */
const closingTimeMs = 900;
/** Within it npm, and the terminal beside it, may both pass on the same Ctrl-C. */
const sameSignalMs = 500;

/** @returns the exit code once the server was told to end: 0 */
export async function serve(): Promise<number> {
  const config = loadConfig();
  const { log, learnSecrets } = scrubbedLog(config);
  const server = await startServer(config, { log, onProgress: remark, onSnapshot: learnSecrets });
  for (const line of welcome(server, config)) print(line);
  const signal = await endSignal();
  remark(`${signal}: finishing the requests in flight`);
  const timeMs = config.limits.shutdownTimeoutMs + closingTimeMs;
  setTimeout(() => giveUp('Not everything could be closed in time.'), timeMs).unref();
  setTimeout(
    () => void endSignal().then((again) => giveUp(`${again} again: ended at once.`)),
    sameSignalMs,
  ).unref();
  await server.stop();
  remark('Stopped.');
  return 0;
}

/** For a database that does not let go, or a person who does not wait: nothing stored is lost by it. */
function giveUp(why: string): void {
  remark(why);
  process.exit(1);
}

/** A log that knows every secret of the configuration and of the newest snapshot. */
function scrubbedLog(config: Config): { log: Logger; learnSecrets: (snapshot: Snapshot) => void } {
  const configured = [
    config.adminToken,
    config.gatewayToken,
    config.encryptionKey,
    config.signOn?.clientSecret,
  ].filter((secret) => secret !== undefined);
  let secrets: readonly Secret[] = configured;
  const log = createLogger({ ...config.log, scrub: (line) => redactSecrets(line, secrets) });
  const learnSecrets = (snapshot: Snapshot): void => {
    secrets = [...configured, ...keysIn(snapshot)];
  };
  return { log, learnSecrets };
}

async function endSignal(): Promise<string> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => resolve(signal));
  });
}

function welcome(server: RunningServer, config: Config): string[] {
  const { installation, firstTokens, url } = server;
  const { keyRing, database } = installation;
  const isFirst =
    firstTokens.admin !== undefined || firstTokens.gateway !== undefined || keyRing.createdFile !== null;
  return [
    `${styled('bold', `Keyward ${version}`)} listens on ${styled('bold', url)}`,
    ...openDoor(config, url),
    '',
    `  Admin page      ${url}/`,
    `  Data            ${database.description}`,
    `  Encryption key  ${keyRing.from}${keyRing.createdFile === null ? '' : ' (generated, mode 0600)'}`,
    ...(isFirst && keyRing.file !== null
      ? ['                  Back this file up: without it every stored key is lost.']
      : []),
    ...(keyRing.openFile === null
      ? []
      : [`                  Others can read it: chmod 600 ${keyRing.openFile}`]),
    ...tokenLine('Admin token', firstTokens.admin),
    ...tokenLine('Gateway token', firstTokens.gateway),
    ...servedLines(server.snapshot()),
    ...(isFirst ? nextSteps(server, config) : []),
    '',
    'Ctrl-C ends it.',
  ];
}

function tokenLine(name: string, token: Secret | undefined): string[] {
  return token === undefined ? [] : [`  ${name.padEnd(15)} ${token.reveal()}   (shown this once: keep it)`];
}

function openDoor({ gatewayAuth }: Config, url: string): string[] {
  if (gatewayAuth === 'token') return [];
  return [
    '',
    styled(
      ['bold', 'red'],
      `  THE DOOR IS OPEN (GATEWAY_AUTH=open): whoever reaches ${url} spends your keys, without a token.`,
    ),
  ];
}

function servedLines(snapshot: Snapshot): string[] {
  const providers = [...snapshot.providers.values()];
  const served = providers
    .filter(({ resolution, upstream }) => resolution.key !== null && 'baseUrl' in upstream)
    .map(
      ({ slug, resolution }) =>
        `${slug} (${resolution.source}${resolution.fallback === null ? '' : ', a fallback'})`,
    );
  const unreadable = providers
    .filter(({ storedKeyUnreadable }) => storedKeyUnreadable)
    .map(({ slug }) => slug);
  const none =
    snapshot.problems.size === 0 && unreadable.length === 0
      ? 'no provider has a key yet: npx keyward keys set openrouter'
      : 'nothing';
  return [
    `  Serves          ${served.join(', ') || none}`,
    ...(unreadable.length === 0
      ? []
      : [
          styled(
            ['bold', 'red'],
            `  NOT READABLE    the stored key of ${unreadable.join(', ')}: is this the right encryption key?`,
          ),
          '                  npx keyward encryption-key check',
        ]),
    ...Array.from(snapshot.problems)
      .filter(([slug]) => !unreadable.includes(slug))
      .map(([slug, problem]) => `  ${styled(['bold', 'red'], 'PROBLEM')}         ${slug}: ${problem}`),
  ];
}

function nextSteps({ url, firstTokens, installation, snapshot }: RunningServer, config: Config): string[] {
  const token = firstTokens.gateway?.reveal() ?? '$KEYWARD_GATEWAY_TOKEN';
  const authorization = config.gatewayAuth === 'open' ? [] : [`    -H "Authorization: Bearer ${token}" \\`];
  return [
    '',
    snapshot().providers.get('openrouter')?.resolution.key
      ? 'Try it:'
      : 'Try it (with OPENROUTER_API_KEY set at the start, or after: npx keyward keys set openrouter):',
    '',
    `  curl ${url}/api/v1/llm/chat/completions \\`,
    ...authorization,
    '    -H "Content-Type: application/json" \\',
    `    -d '{"model": "openrouter/google/gemini-flash-1.5", "messages": [{"role": "user", "content": "Hello"}]}'`,
    ...(installation.database.kind === 'postgres'
      ? []
      : [
          '',
          'The embedded database is for a first day: it outlives a killed process, not a power cut. For a real PostgreSQL:',
          '',
          '  DATABASE_URL=postgres://user:password@host:5432/database BYOK_ENCRYPTION_KEY_FILE=path npm start',
        ]),
  ];
}
