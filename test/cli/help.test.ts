// What the command line says of itself: every command tells how it is used, and does nothing then.

import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { main } from '../../src/main.js';
import { runCli } from '../support/cli.js';
import { temporaryFolder } from '../support/folder.js';

const commands = ['serve', 'token', 'rebuild', 'verify', 'skip', 'migrate', 'seed', 'backup', 'restore', 'rewrap', 'help', 'version'];

let said: { out: string; err: string };
let umask: number;
beforeEach(() => {
  umask = process.umask();
  said = { out: '', err: '' };
  jest.spyOn(console, 'log').mockImplementation((text: string) => void (said.out += `${text}\n`));
  jest.spyOn(console, 'error').mockImplementation((text: string) => void (said.err += `${text}\n`));
});
afterEach(() => {
  jest.restoreAllMocks();
  process.umask(umask);
  process.exitCode = undefined;
});

/** What `contacts …args` says, carried out in this process. */
async function saying(...args: string[]) {
  said = { out: '', err: '' };
  process.exitCode = undefined;
  await main(args);
  return { ...said, code: process.exitCode ?? 0 };
}

test('the usage names every command, however it is asked for', async () => {
  const usage = await saying();
  expect(usage).toMatchObject({ code: 0, err: '' });
  for (const name of commands) expect(usage.out).toMatch(new RegExp(`^  ${name}( |$)`, 'm'));
  for (const way of ['help', '--help', '-h']) expect(await saying(way)).toEqual(usage);
});

test.each(commands)('%s prints its own usage, whatever else is given with it', async (name) => {
  const asked = await saying(name, '--help');
  expect(asked).toMatchObject({ code: 0, err: '' });
  expect(asked.out).toMatch(new RegExp(`^Usage: contacts ${name}`));
  for (const args of [[name, '-h'], ['help', name], [name, 'one', 'more', '--help']]) expect(await saying(...args)).toEqual(asked);
});

test('the version is that of the package, as the built command says it', async () => {
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string };
  expect(await runCli(temporaryFolder(), '--version')).toEqual({ code: 0, stdout: `${version}\n`, stderr: '' });
  for (const way of ['version', '-v']) expect((await saying(way)).out).toBe(`${version}\n`);
});

test.each([['sede'], ['__proto__'], ['constructor'], ['help toString'], ['help sede'], ['seed --orgs x'], ['version x'], ['seed --help=x'], ['backup '], ['restore '], ['skip ']])('what is unknown in `contacts %s` is told in one line, with exit status 2', async (line) => {
  const { code, out, err } = await saying(...line.split(' '));
  expect([code, out]).toEqual([2, '']);
  expect(err).toMatch(/^contacts: .+\n$/);
  expect(err).not.toMatch(/object Object|native code/);
});
