// What keeps the code readable: short functions, short files with a header, and no `any`.

import { expect, test } from '@jest/globals';
import ts from 'typescript';
import { linesOf, nodesIn, parse, sourceFiles, type SourceFile } from './source.js';

const LONGEST_FUNCTION = 60;
const USUAL_FUNCTION = 25;
const LONGEST_FILE = 300;
const LONGEST_TEST_FILE = 500;

const source = sourceFiles('src');
const tests = sourceFiles('test');

interface FunctionLength {
  where: string;
  lines: number;
}

function functionsOf({ name, tree }: SourceFile): FunctionLength[] {
  return [...nodesIn(tree)].filter((node) => ts.isFunctionLike(node) && 'body' in node && node.body !== undefined).map((node) => {
    const { line } = tree.getLineAndCharacterOfPosition(node.getStart());
    return { where: `${name}:${line + 1}`, lines: linesOf(tree, node) };
  });
}

/** The comment that a file begins with, up to its first empty line; a line for the shell apart. An argument may follow. */
function headerOf(text: string): string[] {
  const lines = text.replace(/^#!.*\n/, '').split('\n');
  return lines.slice(0, lines.findIndex((line) => line.trim() === '' || line.trim() === '//'));
}

test(`no function has more than ${LONGEST_FUNCTION} lines, and 95 of 100 have at most ${USUAL_FUNCTION}`, () => {
  const functions = source.flatMap(functionsOf).sort((a, b) => a.lines - b.lines);
  expect(functions.length).toBeGreaterThan(500);
  expect(functions.filter(({ lines }) => lines > LONGEST_FUNCTION)).toEqual([]);
  const longer = functions.slice(Math.floor(functions.length * 0.95)).filter(({ lines }) => lines > USUAL_FUNCTION);
  const percentile = functions[Math.floor(functions.length * 0.95)]?.lines ?? 0;
  expect({ percentile: Math.max(percentile, USUAL_FUNCTION), longest: percentile > USUAL_FUNCTION ? longer.reverse() : [] }).toEqual({ percentile: USUAL_FUNCTION, longest: [] });
});

test.each([
  ['source', source, LONGEST_FILE],
  ['tests', tests, LONGEST_TEST_FILE],
])('no file of the %s is longer than a few screens', (_, files, longest) => {
  expect(files.length).toBeGreaterThan(30);
  expect(files.filter(({ text }) => text.split('\n').length - 1 > longest).map(({ name }) => name)).toEqual([]);
});

test('every file says in one to three lines what it is for', () => {
  const files = [...source, ...tests, ...sourceFiles('bench'), ...sourceFiles('scripts')];
  const wrong = files.filter(({ text }) => {
    const header = headerOf(text);
    return header.length === 0 || header.length > 3 || !header.every((line) => line.startsWith('//'));
  });
  expect(wrong.map(({ name }) => name)).toEqual([]);
});

/** Places that say `any`. */
const anysIn = (tree: ts.SourceFile) => [...nodesIn(tree)].filter(({ kind }) => kind === ts.SyntaxKind.AnyKeyword);

test('nothing is `any`', () => {
  expect(source.filter(({ tree }) => anysIn(tree).length > 0).map(({ name }) => name)).toEqual([]);
  expect(anysIn(parse('planted.ts', 'const planted: Record<string, any> = {};')).length).toBe(1);
});
