// The bodies of deliveries at hand: those of an event go to several endpoints at about the same time.
// Kept by contact, so that those about one who is erased can be let go of.

import { LRUCache } from 'lru-cache';

/** How many bytes are kept. */
const AT_HAND = 16_000_000;
/** What a body takes besides its bytes. */
const OVERHEAD = 500;
/** How many bodies about a contact are kept: the last ones. */
const KEPT_PER_CONTACT = 8;

interface About {
  organizationId: string;
  contactId: string;
}

export class Bodies {
  /** Of a contact, the body of each event under each topic. */
  private readonly byContact = new LRUCache<string, ReadonlyMap<string, Buffer>>({ maxSize: AT_HAND, sizeCalculation });

  /** The body kept as `name`; undefined when it is not at hand. */
  get(about: About, name: string): Buffer | undefined {
    return this.byContact.get(keyOf(about))?.get(name);
  }

  keep(about: About, name: string, body: Buffer): void {
    const known = [...(this.byContact.get(keyOf(about)) ?? [])].slice(1 - KEPT_PER_CONTACT);
    this.byContact.set(keyOf(about), new Map([...known, [name, body]]));
  }

  /** Lets go of all about a contact. */
  drop(about: About): void {
    this.byContact.delete(keyOf(about));
  }
}

const keyOf = ({ organizationId, contactId }: About): string => `${contactId}/${organizationId}`;

function sizeCalculation(bodies: ReadonlyMap<string, Buffer>): number {
  let size = OVERHEAD;
  for (const { length } of bodies.values()) size += length + OVERHEAD;
  return size;
}
