// Turns TypeScript into the JavaScript that jest runs, by the project's own compiler. Types are
// checked by the build.

import { createHash } from 'node:crypto';
import ts from 'typescript';

const compilerOptions = {
  target: ts.ScriptTarget.ES2023,
  module: ts.ModuleKind.ESNext,
  verbatimModuleSyntax: true,
  inlineSourceMap: true,
  inlineSources: true,
};

export default {
  process: (text, fileName) => ({ code: ts.transpileModule(text, { compilerOptions, fileName }).outputText }),
  getCacheKey: (text, fileName) => createHash('sha256').update(ts.version).update(fileName).update(text).digest('hex'),
};
