// How events are stored: personal fields encrypted with their contact's key (AES-256-GCM), the
// rest in the clear. Sealed data holds, beside the open fields,
// `personal: { fields: [names], box: base64(iv | ciphertext | tag) }`.

import { createCipheriv, createDecipheriv, type KeyObject } from 'node:crypto';
import { z } from 'zod';
import { erasedPersonal, joinPersonal, splitPersonal, type SplitData } from '../domain/events/personal.js';
import { readEvent, UnreadableEventError, upcasters, type Upcasters } from '../domain/events/registry.js';
import type { JsonObject } from '../domain/json.js';
import type { NewStoredEvent, StoredEvent } from '../ports/eventLog.js';
import type { NewEvent, RecordedEvent } from '../ports/eventStore.js';
import type { StoredKey } from '../ports/keyStore.js';
import { takeRandom } from './random.js';

const IV_BYTES = 12;
const TAG_BYTES = 16;

const sealedSchema = z.object({ fields: z.array(z.string()), box: z.string() });

/** An event with its personal data taken apart. */
export interface SplitEvent {
  event: NewEvent;
  split: SplitData;
}

export const splitEvent = (event: NewEvent): SplitEvent => ({ event, split: splitPersonal(event) });

/** Whether any of the events holds personal data, so that a key is needed to seal them. */
export function needsKey(events: readonly SplitEvent[]): boolean {
  return events.some(({ split }) => split.fields.length > 0);
}

/** The event as it is stored. `key` may be null when nothing in it is personal. */
export function seal({ event: { id, type, metadata }, split }: SplitEvent, key: KeyObject | null): NewStoredEvent {
  const { open, personal, fields } = split;
  if (personal === null || fields.length === 0) return { id, type, metadata, data: open };
  if (key === null) throw new TypeError(`${type} holds personal data and was given no key`);
  const box = encrypt(key, Buffer.from(JSON.stringify(personal)), id);
  return { id, type, metadata, data: { ...open, personal: { fields, box: box.toString('base64') } } };
}

/**
 * The stored event decrypted and in its newest form, read by `read`; with its key destroyed,
 * personal fields read as erased.
 * @throws UnreadableEventError
 */
export function unseal(stored: StoredEvent, key: StoredKey | null, known: Upcasters = upcasters, read = readEvent): RecordedEvent {
  const { id, stream, revision, position, metadata } = stored;
  const { type, data } = read(stored.type, openData(stored, key), metadata, known);
  return { type, data, id, stream, revision, position, metadata } as RecordedEvent;
}

function openData({ id, type, stream, data }: StoredEvent, key: StoredKey | null): JsonObject {
  const sealed = data.personal;
  if (sealed === undefined) return data;
  const open: JsonObject = {};
  for (const [name, value] of Object.entries(data)) if (name !== 'personal') open[name] = value;
  const parsed = sealedSchema.safeParse(sealed);
  if (!parsed.success) throw new UnreadableEventError(`${type} ${id}: its personal data is damaged`);
  const { fields, box } = parsed.data;
  if (key === null || key.state === 'missing') throw new UnreadableEventError(`no key for the personal data of ${stream}`);
  if (key.state === 'destroyed') return joinPersonal(type, open, erasedPersonal(fields));
  return joinPersonal(type, open, JSON.parse(openBox(key.key, box, { id, type }).toString()) as JsonObject);
}

/** Sealed data as text, in two: what is open, as an object of its own, and the box. */
export interface SealedText {
  open: string;
  box: string;
}

const SEALED = ',"personal":{"fields":[';
const BOX = '],"box":"';

/** Takes the text of sealed data in two without parsing it; null when it is not as `seal` leaves it. */
export function splitSealedText(data: string): SealedText | null {
  // Within texts each quote has a backslash before it: what is found are members.
  const sealed = data.indexOf(SEALED);
  const start = data.indexOf(BOX, sealed) + BOX.length;
  // The box is the last but two closing braces: of `personal`, and of the data.
  if (sealed === -1 || start < BOX.length || data.indexOf('"', start) !== data.length - 3 || !data.endsWith('"}}')) return null;
  return { open: `${data.slice(0, sealed)}}`, box: data.slice(start, -3) };
}

/** What a box holds: JSON, in UTF-8. @throws UnreadableEventError */
export function openBox(key: KeyObject, box: string, { id, type }: Pick<StoredEvent, 'id' | 'type'>): Buffer {
  reserve(box.length);
  try {
    return decryptScratch(key, scratch.write(box, 'base64'), id);
  } catch (cause) {
    throw new UnreadableEventError(`${type} ${id}: its personal data is damaged, or not its own`, { cause });
  }
}

/** `iv | ciphertext | tag`; `context` is authenticated with it, so that a box cannot be moved. */
export function encrypt(key: KeyObject, plain: Buffer, context: string): Buffer {
  const iv = takeRandom(IV_BYTES);
  const cipher = createCipheriv('aes-256-gcm', key, iv).setAAD(contextBytes(context));
  return Buffer.concat([iv, cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
}

/** What `encrypt` took. @throws Error when key or context are not those it was encrypted with, or a bit differs */
export function decrypt(key: KeyObject, box: Uint8Array, context: string): Buffer {
  reserve(box.length);
  scratch.set(box);
  return decryptScratch(key, box.length, context);
}

/** Boxes are opened here one after the other: memory and views of their own would cost a quarter of opening them. */
let scratch = Buffer.alloc(16_384);
let scratchIv = scratch.subarray(0, IV_BYTES);

function reserve(bytes: number): void {
  if (bytes <= scratch.length) return;
  scratch = Buffer.alloc(2 * bytes);
  scratchIv = scratch.subarray(0, IV_BYTES);
}

/** As `decrypt`, of the first `length` bytes of `scratch`. */
function decryptScratch(key: KeyObject, length: number, context: string): Buffer {
  const tagAt = length - TAG_BYTES;
  if (tagAt < IV_BYTES) throw new RangeError('too short to be a box');
  const decipher = createDecipheriv('aes-256-gcm', key, scratchIv).setAAD(contextBytes(context));
  decipher.setAuthTag(scratch.subarray(tagAt, length));
  const plain = decipher.update(scratch.subarray(IV_BYTES, tagAt));
  // Gives nothing more in this mode, but throws when the tag is another's.
  decipher.final();
  return plain;
}

const contexts = Buffer.alloc(1_024);
let contextView = contexts.subarray(0, 0);

/** A context in UTF-8, of use until the next one: most are as long as the one before. */
function contextBytes(context: string): Buffer {
  if (3 * context.length > contexts.length) return Buffer.from(context);
  const length = contexts.write(context);
  if (length !== contextView.length) contextView = contexts.subarray(0, length);
  return contextView;
}
