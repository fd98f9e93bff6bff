/** The commands of models and of the names that stand for them, and how they are called. */
import type { Command } from 'commander';
import { json, reason } from './command-options.ts';
import type { AliasOptions } from './model-aliases.ts';

export function addModels(program: Command): void {
  const models = program.command('models').description('the models, and names that stand for them');
  const alias = models.command('alias').description('names that stand for models');
  alias
    .command('list')
    .description('all of them')
    .addOption(json())
    .action(async (options: AliasOptions) => {
      const { printAliases } = await import('./model-aliases.ts');
      await printAliases(options);
    });
  alias
    .command('set')
    .description('set which models a name stands for; live at once')
    .argument('<alias>', 'what callers ask for; with a * at its end, whatever begins so')
    .argument('<models...>', 'as provider/model: the first, and those to fall back to')
    .addOption(reason())
    .addOption(json())
    .action(async (name: string, targets: string[], options: AliasOptions) => {
      const { setAlias } = await import('./model-aliases.ts');
      await setAlias(name, targets, options);
    });
  alias
    .command('remove')
    .description('remove one')
    .argument('<alias>')
    .addOption(reason())
    .addOption(json())
    .action(async (name: string, options: AliasOptions) => {
      const { removeAlias } = await import('./model-aliases.ts');
      await removeAlias(name, options);
    });
}
