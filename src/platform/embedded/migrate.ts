// Brings a file to the newest layout. The layout's number stands in the file itself.

/** What makes the next layout of one: SQL, carried out in one transaction. */
export type Migration = string;

/** What a migration needs of a file. */
interface Migrated {
  get<Result>(sql: string): Result | undefined;
  script(sql: string): void;
}

/** The file cannot be opened by this version of the service. */
export class LayoutError extends Error {
  override readonly name = 'LayoutError';
}

/**
 * Carries out the migrations the file has not seen, each whole or not at all.
 * @throws LayoutError when the file has seen more than there are
 */
export function migrate(database: Migrated, migrations: readonly Migration[]): void {
  const layout = Number(database.get<{ user_version: number }>('PRAGMA user_version')?.user_version);
  if (layout > migrations.length) {
    throw new LayoutError(
      `the data was written by a newer version of this service (layout ${layout}; this one knows up to ${migrations.length})`,
    );
  }
  for (const [index, sql] of migrations.entries()) {
    if (index >= layout) database.script(`BEGIN IMMEDIATE; ${sql}; PRAGMA user_version = ${index + 1}; COMMIT`);
  }
}
