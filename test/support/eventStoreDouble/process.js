// The double as a process of its own, for service processes that share it: `node process.js [port]`.
// Prints its URL. A parent with a channel to it gets { url, port } and may send the name of a misfortune.

import { register } from 'node:module';

register('../typescriptHooks.js', import.meta.url);
const { EventStoreDouble } = await import('./index.js');

const double = await EventStoreDouble.start({ port: Number(process.argv[2] ?? 0) });
const misfortunes = {
  cut: () => double.connections.cut(),
  down: () => double.connections.down(),
  up: () => double.connections.up(),
  freeze: () => double.connections.freeze(),
  thaw: () => double.connections.thaw(),
};
process.on('message', async (name) => {
  await misfortunes[name]();
  process.send(name);
});
process.on('disconnect', () => process.exit());
console.log(double.url);
process.send?.({ url: double.url, port: double.port });
