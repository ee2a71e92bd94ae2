// GET /docs: the reference for people. A page of files of our own, which asks for /openapi.json.

import { readFileSync } from 'node:fs';
import type { Context } from 'koa';
import { z } from 'zod';
import { FixedText } from '../fixedText.js';
import type { PublicRoute } from '../publicRoutes.js';

/** What the page may do: load its own files and talk to this service, and nothing else. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

const files = {
  'reference.css': 'text/css',
  'reference.js': 'text/javascript',
  'dom.js': 'text/javascript',
  'operations.js': 'text/javascript',
  'schemas.js': 'text/javascript',
  'tryIt.js': 'text/javascript',
  'icon.svg': 'image/svg+xml',
} as const;

export function docsRoutes(): PublicRoute[] {
  const page: PublicRoute = {
    path: '/docs',
    id: 'getDocs',
    tag: 'Service',
    summary: 'This reference, for people',
    description: 'Works offline; a token pasted into it stays in the tab.',
    responses: { 200: { description: 'The page', schema: z.string(), mediaType: 'text/html' } },
    handle: answerWith('index.html', 'text/html'),
  };
  const slash = { ...page, path: '/docs/', id: 'getDocsSlash', internal: true, handle: (ctx: Context) => ctx.redirect('../docs') };
  const assets = Object.entries(files).map(([name, type]) => {
    return { ...page, path: `/docs/${name}`, id: `getDocs-${name}`, internal: true, handle: answerWith(name, type) };
  });
  return [page, slash, ...assets];
}

/** Answers with a file beside this one, read when first asked for. */
function answerWith(name: string, type: string): (ctx: Context) => void {
  let text: FixedText | undefined;
  return (ctx) => {
    text ??= new FixedText(readFileSync(new URL(`../docs/${name}`, import.meta.url), 'utf8'), type);
    ctx.set({ 'Content-Security-Policy': POLICY, 'Cross-Origin-Opener-Policy': 'same-origin', 'Cache-Control': 'no-cache' });
    text.answer(ctx);
  };
}
