// What the documents say of the code is true: files they name are there, invariants name the tests
// that hold them, and the table of settings is that of the schema.

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { describeSettings } from '../../src/config.js';
import { root } from './source.js';

const read = (name: string) => readFileSync(join(root, name), 'utf8');
const architecture = read('ARCHITECTURE.md');
const readme = read('README.md');

const files = ['src', 'test', 'bench', 'bin', 'scripts', '.ci'].flatMap((folder) =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).map((name) => `${folder}/${name}`),
);

/** Paths and file names between backticks. */
function namedFiles(text: string): string[] {
  return [...text.matchAll(/`([^`\s]+)`/g)].map(([, name = '']) => name).filter((name) => /^(src|test|bench|bin|scripts)\//.test(name) || /\.(ts|js)$/.test(name));
}

/** Whether a file or folder is there, by its path or by the end of it; a star stands for any name. */
function exists(name: string): boolean {
  const plain = name.replace(/\/$/, '');
  const pattern = new RegExp(`(^|/)${plain.replace(/[.]/g, '\\.').replaceAll('*', '[^/]*')}$`);
  return existsSync(join(root, plain)) || files.some((file) => pattern.test(file));
}

test.each([
  ['ARCHITECTURE.md', architecture],
  ['README.md', readme],
  ['SECURITY.md', read('SECURITY.md')],
])('files that %s names are there', (_, text) => {
  expect(namedFiles(text).filter((name) => !exists(name))).toEqual([]);
  expect(namedFiles('`src/nowhere/none.ts` and `none.ts`').filter((name) => !exists(name))).toEqual(['src/nowhere/none.ts', 'none.ts']);
});

test('ARCHITECTURE.md has at most 150 lines', () => {
  expect(architecture.split('\n').length - 1).toBeLessThanOrEqual(150);
});

test('every invariant names the test that holds it', () => {
  const section = /\n## Invariants\n([\s\S]*?)\n## /.exec(architecture)?.[1] ?? '';
  const invariants = section.split('\n').filter((line) => line.startsWith('- '));
  expect(invariants.length).toBeGreaterThan(5);
  expect(invariants.filter((line) => !/`test\/[^`]+`/.test(line))).toEqual([]);
});

test("README.md holds the settings as the schema has them ('npm run docs:settings' writes them)", () => {
  const rows = describeSettings().map(({ name, defaultValue = '', meaning }) => `| \`${name}\` | ${defaultValue} | ${meaning} |`);
  expect(rows.length).toBeGreaterThan(15);
  const table = /<!-- settings: made by npm run docs:settings -->\n([\s\S]*?)<!-- settings end -->/.exec(readme)?.[1] ?? '';
  expect(table.trim().split('\n').slice(2)).toEqual(rows);
});

test('every setting says what it means', () => {
  expect(describeSettings().filter(({ meaning }) => meaning.length < 10)).toEqual([]);
});
