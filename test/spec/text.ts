// Takes examples out of the specification's text, which the project holds no copy of.

import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const file = fileURLToPath(new URL('../../../shared/spec/contacts-api.txt', import.meta.url));

/** The specification; null when it is not there. */
export const specification: string | null = existsSync(file) ? readFileSync(file, 'utf8') : null;

export const SPEC_BASE = 'https://api.example.com/api/v1';

/** The lines between the last line that is exactly `from` and the next that is exactly `to`. */
export function section(text: string, from: string, to: string): string {
  const lines = text.split('\n').map((line) => line.trimEnd());
  const start = lines.lastIndexOf(from);
  const end = lines.indexOf(to, start);
  if (start === -1 || end === -1) throw new Error(`the specification has no section ${from}`);
  return lines.slice(start + 1, end).join('\n');
}

export interface CurlExample {
  method: string;
  /** From the base URL on. */
  path: string;
  /** What `-d` sends, parsed; undefined when nothing is. */
  body: Json | undefined;
  /** The example's response: parsed JSON, or its status line. */
  response: Json;
}

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** Every curl example with its response, in order. */
export function curlExamples(text: string): CurlExample[] {
  const pattern = /^curl -X (\w+) "?([^\s"]+)"? \\\n((?:.*\n)*?)Response\n((?:\{\n(?:.*\n)*?\})|HTTP.*)$/gm;
  return [...text.matchAll(pattern)].map(([, method = '', url = '', options = '', response = '']) => {
    const body = /-d '([^']*)'/.exec(options)?.[1];
    return {
      method,
      path: url.replace(SPEC_BASE, ''),
      body: body === undefined ? undefined : (JSON.parse(body) as Json),
      response: response.startsWith('HTTP') ? response : (JSON.parse(wholeObject(text, response)) as Json),
    };
  });
}

/** The JSON object that begins with `start`: nested objects end in lines of a single brace, too. */
function wholeObject(text: string, start: string): string {
  const from = text.indexOf(start);
  let end = from + start.length;
  for (;;) {
    const candidate = text.slice(from, end);
    if (count(candidate, '{') === count(candidate, '}')) return candidate;
    const next = text.indexOf('}', end);
    if (next === -1) throw new Error('an example response does not end');
    end = next + 1;
  }
}

const count = (text: string, character: string) => text.split(character).length - 1;

/**
 * Python that lost its indentation, indented again. Inside brackets Python does not care. A `def`
 * lasts until its `return`, a comment or another `def`; any other block is one statement.
 */
export function indentPython(source: string): string {
  let inDefinition = false;
  let inBlock = false;
  let depth = 0;
  return source
    .split('\n')
    .map((line) => {
      const starts = depth === 0;
      if (starts && /^(#|def |class )/.test(line)) inDefinition = false;
      const level = Number(inDefinition) + Number(inBlock);
      const bare = line.replaceAll(/(['"]).*?\1/g, '').replace(/#.*/, '').trimEnd();
      depth += bracketsOf(bare);
      const ends = depth === 0 && bare !== '';
      const opensBlock = ends && bare.endsWith(':');
      if (opensBlock && line.startsWith('def ')) inDefinition = true;
      else if (opensBlock) inBlock = true;
      else if (ends && inBlock) inBlock = false;
      else if (ends && starts && line.startsWith('return')) inDefinition = false;
      return `${'    '.repeat(level)}${line}`;
    })
    .join('\n');
}

const bracketsOf = (code: string) => [...code].reduce((sum, character) => sum + Number('([{'.includes(character)) - Number(')]}'.includes(character)), 0);
