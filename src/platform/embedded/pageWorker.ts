// A thread that makes pages of published events; see pagePool.ts.

import { parentPort, workerData, type MessagePort } from 'node:worker_threads';
import { UnreadableEventError } from '../../domain/events/registry.js';
import { isSqliteError } from './database.js';
import { SqliteEventPages, type PageFiles } from './eventPages.js';
import { END } from './threads.js';
import type { PageAnswer, PageFailure, PageOrder } from './pagePool.js';

const port = parentPort as MessagePort;
const pages = new SqliteEventPages(workerData as PageFiles);

port.on('message', (order: PageOrder) => {
  if (order === END) {
    pages.close();
    port.close();
  } else if (order.kind === 'read') answer(order);
  else pages.forget(order.subject);
});

function answer({ number, organizationId, query }: Extract<PageOrder, { kind: 'read' }>): void {
  try {
    port.postMessage({ number, end: pages.endOf(organizationId, query) } satisfies PageAnswer);
    const page = pages.read(organizationId, query);
    port.postMessage({ number, page } satisfies PageAnswer, [page.content.buffer as ArrayBuffer]);
  } catch (error) {
    // What is open of a file that fails is of no more use.
    pages.close();
    port.postMessage({ number, failure: failureOf(error as Error) } satisfies PageAnswer);
  }
}

function failureOf(error: Error): PageFailure {
  if (error instanceof UnreadableEventError) return { kind: 'unreadable', error };
  return { kind: isSqliteError(error) ? 'unavailable' : 'other', error };
}
