// `contacts verify`: compares read models with what the events say.

import { verifyOperation, type VerifyResult } from '../operations/verify.js';
import { command } from './command.js';
import { operate } from './operate.js';
import { projectionNamed } from './projections.js';

export const verifyCommand = command({
  synopsis: 'verify [PROJECTION]',
  help: [
    'replay the events and compare with the read models, one or all; reads and writes go on',
    'exit status 1 when documents differ; lists them, without what they hold',
  ],
  options: {},
  positionals: { min: 0, max: 1 },
  run: async (_options, [name]) => {
    const result = await operate(verifyOperation, { projection: projectionNamed(name) });
    for (const line of linesOf(result)) console.log(line);
    if (result.differing > 0) process.exitCode = 1;
  },
});

/** A line for each difference listed, and one that sums up. */
function linesOf({ compared, differing, differences }: VerifyResult): string[] {
  const count = (value: number) => value.toLocaleString('en-US');
  const lines = differences.map(({ projection, organizationId, id, kind, fields }) => {
    const where = fields.length === 0 ? '' : `: ${fields.join(', ')}`;
    return `${kind.padEnd(12)} ${projection} ${JSON.stringify(organizationId)} ${id}${where}`;
  });
  if (differing > differences.length) lines.push(`and ${count(differing - differences.length)} more`);
  const verdict = differing === 0 ? 'all are as the events say' : `${count(differing)} ${differing === 1 ? 'differs' : 'differ'} from what the events say`;
  return [...lines, `${count(compared)} documents compared: ${verdict}`];
}
