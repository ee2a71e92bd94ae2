// The route by which auditors take away what the events so far cannot be changed behind.

import { principalOf } from '../context.js';
import type { RouteDeps } from '../deps.js';
import { ApiError } from '../errors.js';
import { route, type Route } from '../routing.js';
import { auditHeadExample, auditHeadViewSchema } from '../schemas/auditHead.js';

export function auditHeadRoutes(deps: RouteDeps): Route[] {
  return [headRoute(deps)];
}

const description = `Keep it where whoever runs the service cannot reach it: \`contacts verify --audit --head FILE\` then tells whether the first
\`sequence\` events of the organization are still those that were there. Each event is linked to the one before it:
\`hash\` is SHA-256 of \`previous hash|sequence|event\`, hexadecimal, the event being its stored form as JSON without spaces and with sorted keys
(\`data\`, \`id\`, \`metadata\`, \`revision\`, \`stream\`, \`type\`; personal data encrypted), the first link's previous hash 64 zeros.
The signature is Ed25519 over the JSON array \`["contacts audit head 1", organizationId, sequence, hash, position, at]\` without spaces.
A head is signed every 1,000 events, and a minute after an event that none covers; until the first there is none: 404.`;

const headRoute = ({ audit }: RouteDeps) =>
  route({
    method: 'GET',
    path: '/audit/head',
    scope: 'audit:read',
    id: 'getAuditHead',
    tag: 'History',
    summary: 'Get the newest signed head of the chain of events',
    description,
    responses: { 200: { description: 'The newest head', schema: auditHeadViewSchema, example: auditHeadExample } },
    errors: ['NOT_FOUND'],
    handle: async (ctx) => {
      const head = await audit.head(principalOf(ctx).organizationId);
      if (head === null) throw new ApiError('NOT_FOUND', 'No head has been signed yet: the first is, a minute after the first event');
      ctx.body = { ...head, publicKey: audit.publicKey(head.keyFingerprint) };
    },
  });
