// The audit of an organization: the histories of all its documents as one, newest first.

import { newestFirst } from '../domain/history.js';
import type { AuditFilter, AuditItem, AuditPage } from '../ports/historyStore.js';
import type { ProjectionName } from '../ports/projection.js';

/** Whose histories make up the audit. */
const audited: readonly ProjectionName[] = ['contacts', 'companies', 'endpoints'];

/** Those of them that a filter leaves, and the one document that it names there. */
export function auditSources({ contactId, companyId }: AuditFilter): { projection: ProjectionName; id: string | null }[] {
  if (contactId !== null && companyId !== null) return [];
  if (contactId !== null) return [{ projection: 'contacts', id: contactId }];
  if (companyId !== null) return [{ projection: 'companies', id: companyId }];
  return audited.map((projection) => ({ projection, id: null }));
}

/** The page of what each source gave; each one longer than the page where more follow. */
export function auditPage(given: readonly AuditItem[][], limit: number): AuditPage {
  const all = given.flat().sort(newestFirst);
  const items = all.slice(0, limit);
  const last = items.at(-1);
  const next = last !== undefined && all.length > limit ? { at: last.at, id: last.id, revision: last.revision } : null;
  return { items, next };
}
