// The reference in a browser: it renders, asks nobody else, narrows by search, and tries a call.

import { existsSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { chromium, type Browser, type Page } from 'playwright-core';
import { apiRoutes } from '../../src/api/app.js';
import type { RouteDeps } from '../../src/api/deps.js';
import { startTestService, type TestService } from '../support/service.js';

const executablePath = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(existsSync);

/** A test that is skipped, with the reason in its name, when there is no browser. */
function testInBrowser(name: string, body: () => Promise<void>): void {
  if (executablePath === undefined) test.skip(`${name} (skipped: there is no Chromium)`, body);
  else test(name, body, 60_000);
}

let service: TestService;
let browser: Browser | undefined;
beforeAll(async () => {
  service = await startTestService();
  if (executablePath !== undefined) browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
}, 60_000);
afterAll(async () => {
  await browser?.close();
  await service.stop();
});

interface Visit {
  page: Page;
  /** What went wrong on the page, and every request that left the service. */
  faults: string[];
}

async function visit(options: { colorScheme?: 'dark'; viewport?: { width: number; height: number } } = {}): Promise<Visit> {
  const context = await (browser as Browser).newContext(options);
  const page = await context.newPage();
  const faults: string[] = [];
  page.on('console', (message) => void (['error', 'warning'].includes(message.type()) && faults.push(message.text())));
  page.on('pageerror', (error) => void faults.push(error.message));
  page.on('request', (request) => void (new URL(request.url()).origin !== service.origin && faults.push(`asked ${request.url()}`)));
  await page.goto(`${service.origin}/docs`);
  await page.waitForSelector('#createContact');
  return { page, faults };
}

testInBrowser('every operation, schema and error is shown, without an error and without asking anyone else', async () => {
  const { page, faults } = await visit();
  for (const { id, summary } of apiRoutes({} as RouteDeps)) {
    expect(await page.locator(`section#${id} h3`).textContent()).toBe(summary);
    expect(await page.locator(`nav a[href="#${id}"]`).isVisible()).toBe(true);
  }
  expect(await page.locator('#schema-Contact table').getByText('metadata.department', { exact: true }).count()).toBe(1);
  expect(await page.locator('#error-CONTACT_NOT_FOUND').textContent()).toContain('404');
  expect(await page.locator('#schema-ContactInput tr', { hasText: 'notes' }).textContent()).toContain('up to 10000 characters');
  expect(await page.locator('#sent-contact-status_changed tr', { hasText: 'data.previousStatus' }).textContent()).toContain('one of active, inactive, archived');
  expect(faults).toEqual([]);
  await page.context().close();
});

testInBrowser('a search narrows what is shown, Escape brings all back, a slash leads to it', async () => {
  const { page } = await visit();
  await page.keyboard.press('/');
  expect(await page.evaluate(() => (globalThis as unknown as { document: { activeElement: { id: string } } }).document.activeElement.id)).toBe('search');
  await page.keyboard.type('set-primary');
  expect(await page.locator('section.operation:visible').evaluateAll((sections) => sections.map(({ id }) => id))).toEqual(['setPrimaryContact']);
  expect(await page.locator('nav li:visible').count()).toBe(1);
  await page.fill('#search', 'no such thing');
  expect(await page.locator('#found').textContent()).toContain('Nothing holds');
  expect(await page.locator('section:visible').count()).toBe(0);
  await page.keyboard.press('Escape');
  expect(await page.locator('section.operation:visible').count()).toBeGreaterThan(15);
  await page.context().close();
});

testInBrowser('a call with a token is carried out and shown with its headers, its body and a curl line', async () => {
  const { page, faults } = await visit();
  const { token } = service.client();
  await page.fill('#token', token);
  const section = page.locator('#createContact');
  await section.locator('.try > summary').click();
  await section.locator('textarea').fill('{"name": "Tried Out"}');
  await section.locator('button[type=submit]').click();
  await section.getByText(/^in \d+ ms$/).waitFor();
  expect(await section.locator('.answered').textContent()).toMatch(/^201 Created/);
  expect(await section.getByLabel('Headers of the answer').textContent()).toMatch(/^etag: /m);
  expect(JSON.parse((await section.getByLabel('Body of the answer').textContent()) ?? '')).toMatchObject({ name: 'Tried Out' });
  const curl = await section.getByLabel('the curl line', { exact: true }).textContent();
  expect(curl).toContain(`curl -i -X POST '${service.origin}/api/v1/contacts'`);
  expect(curl).not.toContain(token);
  expect(await page.evaluate(() => JSON.stringify((globalThis as unknown as { localStorage: object }).localStorage))).toBe('{}');
  expect(faults).toEqual([]);
  await page.context().close();
});

testInBrowser('parameters of path and query are sent, and a refusal is shown as one', async () => {
  const { page } = await visit();
  const list = page.locator('#listContacts');
  await list.locator('.try > summary').click();
  await list.locator('input[name=search]').fill('a & b');
  await list.locator('select[name=status]').selectOption('archived');
  await list.locator('button[type=submit]').click();
  await list.getByText(/^in \d+ ms$/).waitFor();
  expect(await list.locator('.answered').textContent()).toMatch(/^401 /);
  expect(await list.getByLabel('the curl line', { exact: true }).textContent()).toContain('/api/v1/contacts?status=archived&search=a+%26+b');
  await page.context().close();
});

testInBrowser('a phone shows it without scrolling sideways, its menu closed, and dark when asked to', async () => {
  const { page, faults } = await visit({ viewport: { width: 320, height: 844 }, colorScheme: 'dark' });
  const read = (script: string) => page.evaluate(script);
  expect(await read('document.documentElement.scrollWidth')).toBe(320);
  expect(await page.locator('nav').isVisible()).toBe(false);
  await page.locator('#menu > summary').click();
  await page.locator('nav a[href="#getContact"]').click();
  expect(await page.locator('nav').isVisible()).toBe(false);
  expect(await read('getComputedStyle(document.body).backgroundColor')).toBe('rgb(18, 22, 29)');
  expect(faults).toEqual([]);
  await page.context().close();
});

test('its policy allows its own files only, and it is served whatever the slash', async () => {
  const page = await fetch(`${service.origin}/docs/`);
  expect([page.status, page.url]).toEqual([200, `${service.origin}/docs`]);
  const policy = page.headers.get('Content-Security-Policy') ?? '';
  expect(policy).toContain("default-src 'none'");
  expect(policy).not.toContain('unsafe-inline');
  const html = await page.text();
  expect([...html.matchAll(/(?:src|href)="([^"#]+)"/g)].map(([, url]) => url).filter((url) => /^(?:[a-z]+:)?\/\//.test(url ?? ''))).toEqual([]);
  for (const name of ['reference.js', 'reference.css', 'icon.svg']) {
    expect((await fetch(`${service.origin}/docs/${name}`)).status).toBe(200);
  }
  expect((await fetch(`${service.origin}/docs/../package.json`)).status).toBe(404);
});
