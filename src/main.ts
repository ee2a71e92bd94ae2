// The command line: finds the command that is asked for and carries it out.

import { backupCommand, restoreCommand } from './cli/backup.js';
import { command, nameOf, runCommand, usageOf, type Command } from './cli/command.js';
import { migrateCommand } from './cli/migrate.js';
import { rebuildCommand } from './cli/rebuild.js';
import { rewrapCommand } from './cli/rewrap.js';
import { seedCommand } from './cli/seed.js';
import { serveCommand } from './cli/serve.js';
import { skipCommand } from './cli/skip.js';
import { tokenCommand } from './cli/token.js';
import { verifyCommand } from './cli/verify.js';
import { UsageError } from './cli/usage.js';
import { versionCommand } from './cli/version.js';
import { lineOf } from './operations/operation.js';

/** Every command, in the order in which the usage lists them. */
const commands: readonly Command[] = [
  serveCommand,
  tokenCommand,
  rebuildCommand,
  verifyCommand,
  skipCommand,
  migrateCommand,
  seedCommand,
  backupCommand,
  restoreCommand,
  rewrapCommand,
  command({
    synopsis: 'help [COMMAND]',
    help: ['print this, or what one command does; so does --help after it'],
    options: {},
    positionals: { min: 0, max: 1 },
    run: (_options, [name]) => console.log(name === undefined ? usage() : usageOf(commandNamed(name))),
  }),
  versionCommand,
];

/** What stands for a command in the place of its name. */
const aliases = new Map([
  ['--help', 'help'],
  ['-h', 'help'],
  ['--version', 'version'],
  ['-v', 'version'],
]);

/** Carries out the command line `args`; what goes wrong is one line on standard error and exit status 1, or 2 for a bad command line. */
export async function main([name = 'help', ...rest]: string[]): Promise<void> {
  // What any command writes is its owner's alone.
  process.umask(0o077);
  try {
    await runCommand(commandNamed(aliases.get(name) ?? name), rest);
  } catch (error) {
    console.error(`contacts: ${lineOf(error)}`);
    process.exitCode = error instanceof UsageError ? 2 : 1;
  }
}

/** @throws UsageError when there is no such one */
function commandNamed(name: string): Command {
  const known = commands.find((candidate) => nameOf(candidate) === name);
  if (known === undefined) throw new UsageError(`no such command: ${name}; 'contacts help' lists them`);
  return known;
}

const HELP_COLUMN = 30;

function usage(): string {
  const lines = commands.flatMap(({ synopsis, help }) => {
    const [first = '', ...more] = help;
    const head = synopsis.length + 4 > HELP_COLUMN ? [`  ${synopsis}`, ' '.repeat(HELP_COLUMN) + first] : [`  ${synopsis}`.padEnd(HELP_COLUMN) + first];
    return [...head, ...more.map((line) => ' '.repeat(HELP_COLUMN) + line)];
  });
  return ['Usage: contacts <command> [options]', '', ...lines, '', "'contacts help COMMAND' says what one does and takes.", ''].join('\n');
}
