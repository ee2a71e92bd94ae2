// The servers that tests start where Docker answers: those of docker-compose.yml.

export const MONGODB_IMAGE = 'mongo:8.0';
export const EVENTSTOREDB_IMAGE = 'eventstore/eventstore:23.10.1-bookworm-slim';
