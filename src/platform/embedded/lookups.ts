// Looking up many rows by one statement: single ones take about three times as long.

/** Subjects by organization, each in the order they come in. */
export function byOrganization<Subject extends { organizationId: string }>(subjects: readonly Subject[]): Map<string, Subject[]> {
  const found = new Map<string, Subject[]>();
  for (const subject of subjects) {
    const known = found.get(subject.organizationId);
    if (known === undefined) found.set(subject.organizationId, [subject]);
    else known.push(subject);
  }
  return found;
}
