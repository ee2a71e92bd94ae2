// Given events, when a command, then events or a refusal: how deciders are told of in tests.

import { expect } from '@jest/globals';
import { decideCompany, evolveCompany, initialCompany, type CompanyCommand, type CompanyState } from '../../src/domain/company.js';
import { decideContact, evolveContact, initialContact, type ContactCommand, type ContactState } from '../../src/domain/contact.js';
import type { Decision, Rejection } from '../../src/domain/decision.js';
import type { Recorded } from '../../src/domain/events/metadata.js';
import type { CompanyEvent, ContactEvent, DomainEvent } from '../../src/domain/events/registry.js';
import { eventMetadata } from '../contract/samples.js';

const START = Date.parse('2026-03-01T10:00:00.000Z');

/** When the event of a revision occurred: a minute after that before it. */
export const timeOf = (revision: number) => new Date(START + revision * 60_000).toISOString();

const recorded = <Event extends DomainEvent>(events: readonly Event[]): Recorded<Event>[] =>
  events.map((event, revision) => ({ ...event, id: `e${revision}`, stream: 's', revision, position: String(revision + 1), metadata: eventMetadata('acme', timeOf(revision)) }));

export const contactAfter = (...events: ContactEvent[]): ContactState => recorded(events).reduce(evolveContact, initialContact);
export const companyAfter = (...events: CompanyEvent[]): CompanyState => recorded(events).reduce(evolveCompany, initialCompany);

interface When<Command, Event> {
  when(command: Command): {
    /** These events and no others; the command repeated after them decides nothing, or is refused as `again` says. */
    then(events: Event[], again?: Rejection['code']): void;
    thenNothing(): void;
    /** `fields`: those of which INVALID tells. */
    thenRefused(code: Rejection['code'], fields?: string[]): void;
  };
}

function given<State, Command, Event>(after: (...events: Event[]) => State, decide: (state: State, command: Command) => Decision<Event>) {
  return (...history: Event[]): When<Command, Event> => ({
    when: (command) => {
      const state = after(...history);
      const before = JSON.stringify(state);
      const decision = decide(state, command);
      expect(JSON.stringify(state)).toBe(before);
      return {
        then: (events, again) => {
          expect(decision).toEqual({ accepted: true, events });
          const repeated = decide(after(...history, ...events), command);
          if (again === undefined) expect(repeated).toEqual({ accepted: true, events: [] });
          else expect(repeated).toMatchObject({ accepted: false, rejection: { code: again } });
        },
        thenNothing: () => expect(decision).toEqual({ accepted: true, events: [] }),
        thenRefused: (code, fields) => {
          expect(decision).toMatchObject({ accepted: false, rejection: { code } });
          if (!decision.accepted && decision.rejection.code === 'INVALID') expect(decision.rejection.issues.map(({ field }) => field)).toEqual(fields);
        },
      };
    },
  });
}

export const givenContact = given<ContactState, ContactCommand, ContactEvent>(contactAfter, decideContact);
export const givenCompany = given<CompanyState, CompanyCommand, CompanyEvent>(companyAfter, decideCompany);
