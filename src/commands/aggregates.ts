// The aggregates that commands work on.

import { evolveCompany, initialCompany, type CompanyState } from '../domain/company.js';
import { evolveContact, initialContact, type ContactState } from '../domain/contact.js';
import type { CompanyEvent, ContactEvent } from '../domain/events/registry.js';
import { companyStream, contactStream } from '../domain/streams.js';
import type { Aggregate, CommandHandler } from './handle.js';

export const contactAggregate: Aggregate<ContactState, ContactEvent> = { initial: initialContact, evolve: evolveContact };

export const companyAggregate: Aggregate<CompanyState, CompanyEvent> = { initial: initialCompany, evolve: evolveCompany };

/** The contact's newest state. */
export const loadContact = (handler: CommandHandler, organizationId: string, id: string) =>
  handler.load(contactAggregate, contactStream(organizationId, id));

/** The company's newest state. */
export const loadCompany = (handler: CommandHandler, organizationId: string, id: string) =>
  handler.load(companyAggregate, companyStream(organizationId, id));
