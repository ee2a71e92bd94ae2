// A receiver that reads what it is sent and answers 204.

import { createServer } from 'node:http';

createServer((request, response) => {
  request.resume();
  request.on('end', () => response.writeHead(204).end());
}).listen(Number(process.env.PORT), '127.0.0.1');
