// The groups of the reference, in their order.

export const tags = [
  { name: 'Contacts', description: 'People at customers, vendors and partners.' },
  { name: 'Companies', description: 'The companies that contacts belong to.' },
  { name: 'History', description: 'Who changed what, when, and how things stood.' },
  { name: 'Events', description: 'The stream of events, to read or to follow.' },
  { name: 'Webhooks', description: 'Events sent to an address of yours.' },
  { name: 'Sent to webhooks', description: 'What is posted to the endpoints that were registered.' },
  { name: 'Service', description: 'The service itself: outside the base path, without a token.' },
] as const;

export type Tag = (typeof tags)[number]['name'];
