// The project's own source, parsed by TypeScript's compiler, for the tests that look at it.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

export const root = fileURLToPath(new URL('../..', import.meta.url));

export interface SourceFile {
  /** From the project's folder on. */
  name: string;
  text: string;
  tree: ts.SourceFile;
}

/** Every TypeScript and JavaScript file below `folder`. */
export function sourceFiles(folder: string): SourceFile[] {
  const names = readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).filter((name) => /\.(ts|js)$/.test(name));
  return names.sort().map((name) => {
    const text = readFileSync(join(root, folder, name), 'utf8');
    return { name: `${folder}/${name}`, text, tree: parse(name, text) };
  });
}

export function parse(name: string, text: string): ts.SourceFile {
  return ts.createSourceFile(name, text, ts.ScriptTarget.Latest, true);
}

/** Every node of the tree. */
export function* nodesIn(node: ts.Node): Generator<ts.Node> {
  yield node;
  for (const child of node.getChildren()) yield* nodesIn(child);
}

/** How many lines a node takes, its comments apart. */
export function linesOf(tree: ts.SourceFile, node: ts.Node): number {
  const line = (position: number) => tree.getLineAndCharacterOfPosition(position).line;
  return line(node.getEnd()) - line(node.getStart()) + 1;
}
