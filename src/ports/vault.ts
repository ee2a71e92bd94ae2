// Encrypts what is kept outside the event log and must become unreadable with its subject's key:
// payloads and answers that hold a contact's personal data, secrets of webhook endpoints.

import type { KeySubject } from './keyStore.js';

export interface Vault {
  /**
   * `plain` encrypted with the subject's key, which is made when there is none; null when the key
   * was destroyed. `context` says what it is, and is needed to open it.
   * @throws UnavailableError
   */
  seal(subject: KeySubject, plain: Buffer, context: string): Promise<Buffer | null>;
  /** What `seal` took; null when the key was destroyed. @throws UnavailableError */
  open(subject: KeySubject, box: Buffer, context: string): Promise<Buffer | null>;
  /** Whether what was sealed for the subject can still be opened. @throws UnavailableError */
  holds(subject: KeySubject): Promise<boolean>;
  /** Makes all that was sealed for the subject unreadable for good. @throws UnavailableError */
  destroy(subject: KeySubject): Promise<void>;
}
