// The command line: reads what is asked and hands it to its command.

import { parseArgs } from 'node:util';
import { readSettings } from './config.js';
import { withSecrets } from './cli/secrets.js';
import { serve } from './cli/serve.js';
import { signToken } from './cli/token.js';
import { usage, UsageError } from './cli/usage.js';

/** Carries out the command line `args`; what goes wrong is one line on standard error and exit status 1. */
export async function main(args: string[]): Promise<void> {
  try {
    await run(args);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    console.error(`contacts: ${message}`);
    process.exitCode = error instanceof UsageError ? 2 : 1;
  }
}

async function run([command, ...rest]: string[]): Promise<void> {
  switch (command) {
    case 'serve':
      parse(rest, {});
      return serve(process.env);
    case 'token':
      return printToken(rest);
    case 'help':
    case '--help':
    case undefined:
      console.log(usage);
      return;
    default:
      throw new UsageError(`no such command: ${command}; 'contacts help' lists them`);
  }
}

function printToken(args: string[]): void {
  const text = { type: 'string' } as const;
  const { org, sub, scope, expires } = parse(args, { org: text, sub: text, scope: text, expires: text });
  if (org === undefined || org === '') throw new UsageError('token: --org is missing');
  if (sub === undefined || sub === '') throw new UsageError('token: --sub is missing');
  const settings = withSecrets(readSettings(process.env));
  console.log(signToken(settings, { organizationId: org, sub, scope, expires: expires ?? '12h' }));
}

function parse<Options extends Record<string, { type: 'string' }>>(args: string[], options: Options) {
  try {
    return parseArgs({ args, options, strict: true, allowPositionals: false }).values as { [Name in keyof Options]?: string };
  } catch (error) {
    throw new UsageError(error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error));
  }
}
