// `contacts verify`: compares read models with what the events say; with --audit, the events with
// what was chained and signed.

import { closeSync, openSync, readSync } from 'node:fs';
import { auditHeadSchema, auditOperation, type AuditHead, type AuditResult } from '../operations/audit.js';
import { OperationError } from '../operations/operation.js';
import { verifyOperation, type VerifyResult } from '../operations/verify.js';
import { command } from './command.js';
import { operate } from './operate.js';
import { projectionNamed } from './projections.js';
import { UsageError } from './usage.js';

export const verifyCommand = command({
  synopsis: 'verify [PROJECTION] | verify --audit [--head FILE]',
  help: [
    'replay the events and compare with the read models, one or all; reads and writes go on',
    'compares documents, what they are found by, their history and counts, and checks the files and their indexes',
    'exit status 1 when anything differs; lists it, without what it holds',
    '--audit: check every event against the links and signed heads instead; names the first that was changed, dropped, added or moved',
    '--head FILE: and against an answer of GET /audit/head that was kept elsewhere',
  ],
  options: { audit: { type: 'boolean' }, head: { type: 'string' } },
  positionals: { min: 0, max: 1 },
  run: async ({ audit, head }, [name]) => {
    if (audit === true) return verifyAudit(name, head);
    if (head !== undefined) throw new UsageError('verify: --head goes with --audit');
    const result = await operate(verifyOperation, { projection: projectionNamed(name) });
    for (const line of linesOf(result)) console.log(line);
    if (result.differing + result.damage.length > 0) process.exitCode = 1;
  },
});

/** A line for each difference listed, and one that sums up. */
function linesOf({ compared, differing, damage, differences }: VerifyResult): string[] {
  const count = (value: number) => value.toLocaleString('en-US');
  const lines = differences.map(({ projection, organizationId, id, kind, fields }) => {
    const where = fields.length === 0 ? '' : `: ${fields.join(', ')}`;
    return `${kind.padEnd(12)} ${projection} ${JSON.stringify(organizationId)}${id === '' ? '' : ` ${id}`}${where}`;
  });
  if (differing > differences.length) lines.push(`and ${count(differing - differences.length)} more`);
  lines.push(...damage.map((line) => `${'damaged'.padEnd(12)} ${line}`));
  const verdict = differing === 0 ? 'all are as the events say' : `${count(differing)} ${differing === 1 ? 'differs' : 'differ'} from what the events say`;
  return [...lines, `${count(compared)} documents compared: ${verdict}`];
}

async function verifyAudit(projection: string | undefined, file: string | undefined): Promise<void> {
  if (projection !== undefined) throw new UsageError(`verify: unexpected argument '${projection}' beside --audit`);
  const result = await operate(auditOperation, { head: file === undefined ? null : readHead(file) });
  for (const line of auditLines(result)) console.log(line);
  if (result.finding !== null) process.exitCode = 1;
}

/** More than any head has, in bytes. */
const HEAD_MAX_BYTES = 1_048_576;

/** @throws OperationError when the file holds no head */
function readHead(file: string): AuditHead {
  try {
    return auditHeadSchema.parse(JSON.parse(readSome(file, HEAD_MAX_BYTES)));
  } catch (error) {
    const why = error instanceof Error && 'syscall' in error ? error.message : 'holds no answer of GET /audit/head';
    throw new OperationError(`--head ${file}: ${why}`);
  }
}

/** The first `bytes` of a file, which may be a pipe or have no end. */
function readSome(file: string, bytes: number): string {
  const opened = openSync(file, 'r');
  try {
    const buffer = Buffer.alloc(bytes);
    let length = 0;
    for (let read = -1; read !== 0 && length < bytes; length += read) read = readSync(opened, buffer, length, bytes - length, null);
    return buffer.toString('utf8', 0, length);
  } finally {
    closeSync(opened);
  }
}

function auditLines({ events, organizations, heads, unknownHeads, waiting, finding }: AuditResult): string[] {
  const count = (value: number, what: string) => `${value.toLocaleString('en-US')} ${what}${value === 1 ? '' : 's'}`;
  const lines = [];
  if (finding !== null) {
    const { kind, organizationId, sequence, position, stream, eventId, note } = finding;
    const said = { organization: JSON.stringify(organizationId), sequence, position, stream, event: eventId };
    const where = Object.entries(said).flatMap(([name, value]) => (value === null ? [] : [`${name} ${value}`]));
    lines.push(`${kind}: ${where.join(', ')}${note === null ? '' : `: ${note}`}`);
  }
  if (unknownHeads > 0) lines.push(`${count(unknownHeads, 'head')} signed by keys that are not in ENCRYPTION_KEY: not checked by themselves`);
  if (waiting > 0) lines.push(`${count(waiting, 'event')} at the end not chained yet: a running service chains them; until then nothing vouches for them`);
  const verdict = finding === null ? 'all as they were chained' : 'the log is not as it was chained';
  return [...lines, `${count(events, 'event')} of ${count(organizations, 'organization')} checked, ${count(heads, 'signed head')}: ${verdict}`];
}
