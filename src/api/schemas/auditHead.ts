// The signed head of an organization's chain of events.

import { z } from 'zod';
import { signedHeadSchema } from '../../domain/events/auditEvents.js';

export const auditHeadViewSchema = signedHeadSchema
  .extend({
    organizationId: z.string(),
    publicKey: z.string().nullable().describe('Checks the signature (Ed25519, PEM); null when its key was taken away since'),
  })
  .meta({ id: 'AuditHead' });

export const auditHeadExample = {
  organizationId: 'org_123',
  sequence: 1000,
  hash: '5feceb66ffc86f38d952786c6d696c79c2dbc239dd4e91b46729d73a27fb57e9',
  position: '1042',
  at: '2026-03-01T10:00:00.000Z',
  signature: 'TUtWXl9gYWJjZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXp7fH1+f4CBgoOEhYaHiImKi4yNjo+QkZKTlJWWl5iZmpucnQ==',
  keyFingerprint: 'b5bb9d8014a0f9b1',
  publicKey: '-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n-----END PUBLIC KEY-----\n',
};
