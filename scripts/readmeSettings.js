// Writes the table of settings into README.md, between its markers, from the schema that checks them.

import { readFileSync, writeFileSync } from 'node:fs';
import { describeSettings } from '../dist/config.js';

const file = new URL('../README.md', import.meta.url);
const begin = '<!-- settings: made by npm run docs:settings -->\n';
const end = '<!-- settings end -->';

const rows = describeSettings().map(({ name, defaultValue = '', meaning }) => `| \`${name}\` | ${defaultValue} | ${meaning} |\n`);
const table = `| name | default | meaning |\n|---|---|---|\n${rows.join('')}`;

const text = readFileSync(file, 'utf8');
const [start, stop] = [text.indexOf(begin) + begin.length, text.indexOf(end)];
if (start < begin.length || stop < start) throw new Error('README.md has lost the markers of its settings');
writeFileSync(file, text.slice(0, start) + table + text.slice(stop));
