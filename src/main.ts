/** From argv to an exit code; what a person did wrong is told in one line, what we did wrong with a trace. */
import { runCommandLine } from './cli/command-line.ts';

for (const stream of [process.stdout, process.stderr]) {
  // Whoever read our output has left (`keyward keys list | head`); a server must not die of it.
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });
}

process.exitCode = await runCommandLine(process.argv.slice(2));
