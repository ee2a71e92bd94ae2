// One step of a platform: append, and apply at once to the read models what was appended.

import type { AppendResult, ExpectedRevision, NewStoredEvent } from './eventLog.js';
import type { NewEvent } from './eventStore.js';

/**
 * Appends `stored` as the log's `append` does and returns when the read models show it.
 * `plain` are the same events decrypted, in the same order.
 * @throws UnavailableError
 */
export type Commit = (
  stream: string,
  expected: ExpectedRevision,
  stored: readonly NewStoredEvent[],
  plain: readonly NewEvent[],
) => Promise<AppendResult>;
