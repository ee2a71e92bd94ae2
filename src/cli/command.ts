// What a command of the command line is, and how its arguments are read.

import { parseArgs } from 'node:util';
import { UsageError } from './usage.js';

type OptionTypes = Record<string, { type: 'string' | 'boolean' }>;

type Values<Options extends OptionTypes> = {
  [Name in keyof Options]?: Options[Name]['type'] extends 'boolean' ? boolean : string;
};

/** A command: how it is called, what it takes, what it does. */
export interface Command<Options extends OptionTypes = OptionTypes> {
  /** Its name and arguments, as the usage shows them; the first word is what it is called by. */
  synopsis: string;
  /** What it does, and what its options mean: lines of the usage. */
  help: readonly string[];
  options: Options;
  /** How many arguments it takes besides options, at least and at most. */
  positionals: { min: number; max: number };
  run(values: Values<Options>, positionals: string[]): void | Promise<void>;
}

/** A command as written, its options' types kept. */
export const command = <const Options extends OptionTypes>(definition: Command<Options>): Command =>
  definition as unknown as Command;

/** Of every command: to print its own usage instead. */
const helpOption = { help: { type: 'boolean', short: 'h' } } as const;

/** What it is called by. */
export function nameOf({ synopsis }: Command): string {
  return synopsis.split(' ', 1)[0] as string;
}

/** Carries out `known` with `args`, or prints its usage when they ask for that. @throws UsageError when they do not fit, and whatever the command throws */
export async function runCommand(known: Command, args: string[]): Promise<void> {
  const { asksForHelp, values, positionals } = parse(known, args);
  if (asksForHelp) return console.log(usageOf(known));
  const { min, max } = known.positionals;
  // What a script's variable would have named, had it been set.
  if (positionals.includes('')) throw new UsageError(`${nameOf(known)}: an argument is empty`);
  if (positionals.length < min) throw new UsageError(`usage: contacts ${known.synopsis}`);
  if (positionals.length > max) throw new UsageError(`${nameOf(known)}: unexpected argument '${positionals[max] ?? ''}'`);
  await known.run(values, positionals);
}

/** How a command is called, what it does and takes. */
export function usageOf({ synopsis, help }: Command): string {
  return [`Usage: contacts ${synopsis}`, '', ...help.map((line) => `  ${line}`), ''].join('\n');
}

function parse({ options }: Command, args: string[]) {
  try {
    const { values, positionals } = parseArgs({ args, options: { ...options, ...helpOption }, strict: true, allowPositionals: true });
    const { help, ...own } = values;
    return { asksForHelp: help === true, values: own as Values<OptionTypes>, positionals };
  } catch (error) {
    throw new UsageError(error instanceof Error ? (error.message.split(/\n|\. /)[0] ?? '') : String(error));
  }
}
