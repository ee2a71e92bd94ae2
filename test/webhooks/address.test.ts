// Never into the inside: what is not of the public internet is refused when an endpoint is made, and
// again, whatever it resolves to, before a connection is made.

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createServer, type Server } from 'node:net';
import type { AddressInfo } from 'node:net';
import { startTestService, type TestService } from '../support/service.js';
import { isPublicAddress, urlIssue } from '../../src/webhooks/address.js';
import { guardedConnector } from '../../src/webhooks/connector.js';
import { Sender } from '../../src/webhooks/exchange.js';
import { addressOf } from '../../src/webhooks/target.js';

/** Addresses that are not public, as a resolver or a socket names them. */
const inside = [
  '0.0.0.0', '0.1.2.3', '10.0.0.1', '10.255.255.255', '100.64.0.1', '100.100.100.200', '100.127.255.255', '127.0.0.1', '127.1.2.3', '127.255.255.255',
  '168.63.129.16', '169.254.0.1', '169.254.169.254', '169.254.170.2', '172.16.0.1', '172.31.255.255', '192.0.0.1', '192.0.0.192', '192.0.2.1',
  '192.88.99.1', '192.168.0.1', '192.168.255.255', '198.18.0.1', '198.19.255.255', '198.51.100.7', '203.0.113.9', '224.0.0.1', '239.255.255.255',
  '240.0.0.1', '255.255.255.255',
  '::', '::1', '::127.0.0.1', '::10.0.0.1', '::8.8.8.8', '::ffff:127.0.0.1', '::ffff:10.0.0.1', '::ffff:169.254.169.254', '::ffff:7f00:1', '::ffff:8.8.8.8',
  '::ffff:0:127.0.0.1', '64:ff9b::7f00:1', '64:ff9b::10.0.0.1', '64:ff9b::169.254.169.254', '64:ff9b:1::1', '100::1', '2001::1', '2001:0:7f00:1::', '2001:db8::1',
  '2001:10::1', '2001:20::1', '2002:7f00:1::', '2002:a00:1::1', '2002:a9fe:a9fe::', '3fff::1', '5f00::1', 'fc00::1', 'fd00:ec2::254', 'fdff::1', 'fe80::1', 'fe80::1%eth0',
  'fec0::1', 'ff02::1', 'ff0e::1',
];

/** URLs of the inside, in every spelling. */
const urls = [
  'https://127.0.0.1/', 'https://127.1/', 'https://127.0.1/', 'https://2130706433/', 'https://0x7f000001/', 'https://0x7f.1/', 'https://017700000001/', 'https://0177.0.0.1/',
  'https://0x7f.0x0.0x0.0x1/', 'https://127.0.0.1.', 'https://127.000.000.001/', 'https://①②⑦.⓪.⓪.①/', 'https://%31%32%37.0.0.1/', 'https://127。0。0。1/', 'https:\\\\127.0.0.1\\',
  'https:127.0.0.1', 'https:///127.0.0.1/', 'https://0/', 'https://0.0.0.0/', 'https://00000000/', 'https://10.0.0.1:8443/', 'https://167772161/', 'https://012.0.0.1/',
  'https://192.168.1.1/', 'https://3232235777/', 'https://0xC0A80101/', 'https://169.254.169.254/latest/meta-data/', 'https://2852039166/', 'https://0xa9fea9fe/', 'https://0251.0376.0251.0376/',
  'https://169.254.43518/', 'https://168.63.129.16/', 'https://2822734096/', 'https://100.64.1.1/', 'https://172.20.0.1/', 'https://[::1]/', 'https://[::]/', 'https://[0:0:0:0:0:0:0:1]/',
  'https://[::ffff:127.0.0.1]/', 'https://[::ffff:7f00:1]/', 'https://[0:0:0:0:0:ffff:127.0.0.1]/', 'https://[::127.0.0.1]/', 'https://[::7f00:1]/', 'https://[64:ff9b::127.0.0.1]/',
  'https://[64:ff9b::a9fe:a9fe]/', 'https://[2002:7f00:1::]/', 'https://[2002:a9fe:a9fe::1]/', 'https://[fe80::1]/', 'https://[fc00::1]/', 'https://[fd00:ec2::254]/', 'https://[ff02::1]/',
  'https://[::ffff:0:127.0.0.1]/', 'https://localhost/', 'https://LOCALHOST/', 'https://localhost./', 'https://localhost:8443/', 'https://api.localhost/', 'https://ｌｏｃａｌｈｏｓｔ/', 'https://./',
];

/** URLs that no webhook may have for what they are. */
const unfit = [
  'http://example.com/', 'ftp://example.com/', 'file:///etc/passwd', 'gopher://example.com/', 'ws://example.com/', 'data:text/plain,x', 'javascript:alert(1)', 'unix:/run/docker.sock',
  '//example.com/', '/hook', 'example.com', '', 'https://', 'https://user@example.com/', 'https://user:secret@example.com/', 'https://:secret@example.com/', 'https://example.com@127.0.0.1/',
  'https://exa mple.com/', ' https://example.com/', 'https://example.com/\n', 'https://example.com/\u0000', 'https://[::1', 'https://[fe80::1%25eth0]/', 'https://256.256.256.256/', 'https://1.2.3.4.5/',
  'https:example.com', 'https:/example.com/', 'https:///example.com/', 'https:\\\\example.com\\', 'https:/\\example.com/', 'https://\\example.com/',
  `https://example.com/${'x'.repeat(2_048)}`,
];

const outside = ['1.1.1.1', '8.8.8.8', '100.63.255.255', '100.128.0.1', '172.15.0.1', '172.32.0.1', '192.167.1.1', '198.17.0.1', '223.255.255.254', '2606:4700:4700::1111', '2a00:1450:4001::1'];

test('the table is a long one', () => {
  expect(inside.length + urls.length + unfit.length).toBeGreaterThan(140);
});

describe('addresses', () => {
  test.each(inside)('%s is not public', (address) => expect(isPublicAddress(address)).toBe(false));
  test.each(outside)('%s is', (address) => expect(isPublicAddress(address)).toBe(true));
});

describe('URLs', () => {
  test.each([...urls, ...unfit])('%j is refused', (url) => expect(urlIssue(url, false)).not.toBeNull());
  test.each(['https://example.com/', 'https://1.1.1.1/x', 'https://[2606:4700:4700::1111]:8443/', 'https://bücher.example/', 'https://localhost.example.com/'])('%s is fine', (url) =>
    expect(urlIssue(url, false)).toBeNull(),
  );
  test.each(['http://localhost:3000/', 'http://127.0.0.1/', 'https://10.0.0.1/'])('%s is, where private networks are allowed', (url) => expect(urlIssue(url, true)).toBeNull());
  test.each(['http:localhost', 'http:\\\\localhost\\', 'https:10.0.0.1', 'ftp://localhost/'])('%s is not even there', (url) => expect(urlIssue(url, true)).not.toBeNull());
});

describe('the API', () => {
  let service: TestService;
  beforeAll(async () => {
    service = await startTestService();
  });
  afterAll(() => service.stop());

  test('refuses them all on `url`, at creation and at a change', async () => {
    const client = service.client();
    const { id } = (await client.post('/webhooks', { url: 'https://example.com/' })).body;
    for (const url of [...urls, ...unfit]) {
      for (const answer of [await client.post('/webhooks', { url }), await client.put(`/webhooks/${id}`, { url })]) {
        expect([url, answer.status, answer.body.details.map(({ field }: { field: string }) => field)]).toEqual([url, 400, ['url']]);
      }
    }
  });
});

describe('the connector', () => {
  let sink: Server;
  let connections = 0;
  beforeAll(async () => {
    sink = createServer(() => (connections += 1));
    await new Promise<void>((resolve) => sink.listen(0, '127.0.0.1', resolve));
  });
  afterAll(() => new Promise((resolve) => sink.close(resolve)));
  const port = () => (sink.address() as AddressInfo).port;

  /** Tries to connect; what came of it, and how many connections were asked for. */
  async function connect(hostname: string, addresses: string[] = []): Promise<{ error: string | undefined; opened: number }> {
    let opened = 0;
    const connector = guardedConnector({
      allowPrivate: false,
      resolve: async () => addresses,
      open: (lookup) => (options, callback) => {
        const isName = addresses.length > 0;
        const go = () => {
          opened += 1;
          callback(new Error('opened'), null);
        };
        if (!isName) return go();
        lookup(options.hostname, { all: true }, (error) => (error === null ? go() : callback(error, null)));
      },
    });
    const error = await new Promise<Error | null>((resolve) => connector({ hostname, protocol: 'https:', port: '443' }, (...[failed]) => resolve(failed)));
    return { error: (error as { code?: string }).code ?? error?.message, opened };
  }

  test('connects to no literal address of the inside', async () => {
    for (const url of urls.filter((one) => !/localhost|ｌｏｃａｌ|\/\/\.\//i.test(one))) {
      expect([url, await connect(new URL(url).hostname)]).toEqual([url, { error: 'ADDRESS_REFUSED', opened: 0 }]);
    }
  });

  test('connects to no name that resolves to the inside, be it among good addresses', async () => {
    for (const address of inside) {
      expect([address, await connect('evil.example', [address])]).toEqual([address, { error: 'ADDRESS_REFUSED', opened: 0 }]);
      expect([address, await connect('evil.example', ['1.1.1.1', address])]).toEqual([address, { error: 'ADDRESS_REFUSED', opened: 0 }]);
    }
    expect(await connect('good.example', ['1.1.1.1', '2606:4700:4700::1111'])).toEqual({ error: 'opened', opened: 1 });
  });

  test('resolves once a connection: a name that is good first and bad then gets nowhere', async () => {
    let asked = 0;
    const sender = new Sender({ allowPrivate: false, resolve: async () => ((asked += 1) === 1 ? ['192.0.2.1'] : ['127.0.0.1']), exchangeMs: 2_000 });
    for (let turn = 0; turn < 3; turn += 1) {
      const answered = await sender.post(addressOf(`https://rebinding.example:${port()}/`), {}, Buffer.from('{}'));
      expect(answered).toMatchObject({ status: null, error: 'the address is not a public one' });
    }
    await sender.close();
    expect([asked, connections]).toEqual([3, 0]);
  });

  test('looks at the address that was connected to', async () => {
    const connector = guardedConnector({
      allowPrivate: false,
      open: () => (_options, callback) => {
        const socket = { remoteAddress: '::ffff:127.0.0.1', destroyed: false, destroy: () => (socket.destroyed = true) };
        callback(null, socket as never);
        expect(socket.destroyed).toBe(true);
      },
    });
    const error = await new Promise((resolve) => connector({ hostname: 'good.example', protocol: 'https:', port: '443' }, (...[failed]) => resolve(failed)));
    expect(error).toMatchObject({ code: 'ADDRESS_REFUSED' });
  });

  test('reaches a literal of this machine by no spelling', async () => {
    const sender = new Sender({ allowPrivate: false, exchangeMs: 2_000 });
    for (const host of ['127.0.0.1', '2130706433', '0x7f.1', '0', '[::ffff:127.0.0.1]', '[::1]', 'localhost']) {
      const answered = await sender.post(addressOf(`http://${host}:${port()}/`), {}, Buffer.from('{}'));
      expect(answered.status).toBeNull();
    }
    await sender.close();
    expect(connections).toBe(0);
  });
});
