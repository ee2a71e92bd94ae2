// What must not be in the source, so that what is decided and projected depends on events alone,
// and nobody sees another organization's data.

import { expect, test } from '@jest/globals';
import ts from 'typescript';
import { nodesIn, parse, sourceFiles, type SourceFile } from './source.js';

const domain = sourceFiles('src/domain');
const folds = sourceFiles('src/projections').filter(({ name }) => /\/(contacts|companies|project)\.ts$/.test(name));

/** Why a file is not pure: where it waits, reads a clock, draws a random number or looks at its surroundings. */
function impurities({ name, tree }: Pick<SourceFile, 'name' | 'tree'>): string[] {
  return [...nodesIn(tree)].flatMap((node) => {
    const said = impurity(node);
    return said === null ? [] : [`${name}: ${said}`];
  });
}

function impurity(node: ts.Node): string | null {
  if (ts.isNewExpression(node) && node.expression.getText() === 'Date' && (node.arguments?.length ?? 0) === 0) return 'new Date()';
  if (!ts.isPropertyAccessExpression(node)) return null;
  const text = node.getText();
  return /^(Date\.now|performance\.now|Math\.random|crypto\..*|process\..*|globalThis\..*)$/.test(text) ? text : null;
}

const awaits = ({ tree }: Pick<SourceFile, 'tree'>) => [...nodesIn(tree)].filter((node) => ts.isAwaitExpression(node) || (ts.isForOfStatement(node) && node.awaitModifier !== undefined));

test('deciders, folds and projections read no clock, draw no number and know no surroundings', () => {
  expect(domain.length).toBeGreaterThan(10);
  expect(folds.length).toBe(3);
  expect([...domain, ...folds].flatMap(impurities)).toEqual([]);
});

test('they never await, but for the walk up the reporting lines, which is given its reader', () => {
  expect([...domain, ...folds].filter((file) => awaits(file).length > 0).map(({ name }) => name)).toEqual(['src/domain/reportingLine.ts']);
});

test.each([
  ['const now = Date.now();', 'Date.now'],
  ['const at = new Date();', 'new Date()'],
  ['const dice = Math.random();', 'Math.random'],
  ['const id = crypto.randomUUID();', 'crypto.randomUUID'],
])('a breach planted as %s is found', (text, breach) => {
  expect(impurities({ name: 'planted.ts', tree: parse('planted.ts', text) })).toEqual([`planted.ts: ${breach}`]);
  expect(awaits({ tree: parse('planted.ts', 'async function planted() { await 1; }') }).length).toBe(1);
});

/** The parameters of each method of an interface of the source, as they are written. */
function methodsOf(name: string, wanted: string): Map<string, string[]> {
  const file = sourceFiles('src/ports').find((one) => one.name === name);
  const found = file === undefined ? undefined : [...nodesIn(file.tree)].find((node) => ts.isInterfaceDeclaration(node) && node.name.text === wanted);
  const members = found !== undefined && ts.isInterfaceDeclaration(found) ? found.members.filter(ts.isMethodSignature) : [];
  return new Map(members.map((method) => [method.name.getText(), method.parameters.map((parameter) => parameter.getText())]));
}

test('every query of the read store names the organization first', () => {
  const methods = methodsOf('src/ports/readStore.ts', 'ReadStore');
  expect(methods.size).toBeGreaterThan(8);
  for (const [method, [first]] of methods) expect({ method, first }).toEqual({ method, first: 'organizationId: string' });
});

test('an append is to one stream, at an expected revision', () => {
  for (const [file, port, method] of [['src/ports/eventLog.ts', 'EventLog', 'append'], ['src/ports/eventStore.ts', 'EventStore', 'commit']] as const) {
    const [stream, expected] = methodsOf(file, port).get(method) ?? [];
    expect([stream, expected]).toEqual(['stream: string', 'expected: ExpectedRevision']);
  }
});
