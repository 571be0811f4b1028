// A Chromium, and pages in it that remember everything that must not happen.
//
// No page reaches anything but this machine: every other name is unknown to this browser, and a request for another origin
// than the page's own is kept in `seen`, whether or not it got anywhere. Each page has a profile of its own, so that pages
// of several tests do not meet. Nothing here waits for a time: `until` asks again until it is so, or says what was so instead.

import { createRequire } from 'node:module';
import { mkdirSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import process from 'node:process';

// By NODE_PATH, which `import` does not know.
const require = createRequire(import.meta.url);
const puppeteer = require('puppeteer-core').default;
const axe_source = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');

// For a machine that is slow and busy; nothing takes as long where all is well.
const LIMIT_MS = 120_000;
const POLL_MS = 50;
const SEEN_MAX = 100;

// Of all addresses it reaches these.
export async function launch(program, addresses = ['127.0.0.1', '[::1]']) {
  const as_root = process.getuid?.() === 0 ? ['--no-sandbox'] : [];
  return await puppeteer.launch({
    executablePath: program,
    headless: true,
    timeout: LIMIT_MS,
    protocolTimeout: LIMIT_MS,
    // By pipe rather than by port: no port to take, and the browser ends when this program does.
    pipe: true,
    args: [
      ...as_root,
      `--host-resolver-rules=${['MAP * ~NOTFOUND', ...addresses.map((one) => `EXCLUDE ${one}`)].join(', ')}`,
      '--no-proxy-server',
      '--disable-dev-shm-usage',
      '--disable-gpu',
      '--force-color-profile=srgb',
      '--font-render-hinting=none',
      '--hide-scrollbars',
      '--lang=en',
    ],
  });
}

// What is recorded of violations of the policy in the page itself: the console says them too, but not by directive.
function record_violations() {
  globalThis.violations_seen = [];
  document.addEventListener('securitypolicyviolation', (event) => {
    if (globalThis.violations_seen.length < 100) {
      globalThis.violations_seen.push(`${event.effectiveDirective} ${event.blockedURI}`);
    }
  });
}

export class Page {
  // `width` and `height` in CSS pixels, `scheme` is `light` or `dark`.
  static async open(browser, { url, width = 1280, height = 900, scheme = 'light', scale = 1, scripts = true }) {
    const context = await browser.createBrowserContext();
    // Of files it cannot be granted, and no page of a file copies.
    if (url.startsWith('http')) await context.overridePermissions(new URL(url).origin, ['clipboard-read', 'clipboard-sanitized-write']);
    const tab = await context.newPage();
    const page = new Page(context, tab, new URL(url));
    await tab.setViewport({ width, height, deviceScaleFactor: scale });
    await tab.emulateMediaFeatures([
      { name: 'prefers-color-scheme', value: scheme },
      { name: 'prefers-reduced-motion', value: 'reduce' },
    ]);
    await tab.setJavaScriptEnabled(scripts);
    await tab.evaluateOnNewDocument(record_violations);
    page.#listen();
    // Not `networkidle`: a page that is told of changes is never idle.
    const response = await tab.goto(url, { waitUntil: 'load', timeout: LIMIT_MS });
    page.headers = response?.headers() ?? {};
    page.status = response?.status() ?? 0;
    return page;
  }

  constructor(context, tab, url) {
    this.context = context;
    this.tab = tab;
    this.own = url;
    this.outside = [];
    this.console = [];
    this.errors = [];
    this.failed = [];
  }

  #listen() {
    const keep = (list, text) => list.length < SEEN_MAX && list.push(text);
    this.tab.on('request', (request) => {
      const url = new URL(request.url());
      // A file of a disk has no origin; what it carries in itself is its own.
      const is_own = ['data:', 'blob:'].includes(url.protocol) || (url.host === this.own.host && url.protocol === this.own.protocol);
      if (!is_own) keep(this.outside, request.url());
    });
    this.tab.on('requestfailed', (request) => keep(this.failed, `${request.url()}: ${request.failure()?.errorText}`));
    this.tab.on('response', (response) => {
      if (response.status() >= 400) keep(this.failed, `${response.url()}: status ${response.status()}`);
    });
    this.tab.on('console', (message) => {
      if (['error', 'warn', 'assert'].includes(message.type())) {
        keep(this.console, `${message.type()}: ${message.text()} (${message.location().url ?? ''})`);
      }
    });
    this.tab.on('pageerror', (error) => keep(this.errors, String(error?.stack ?? error)));
    this.tab.on('error', (error) => keep(this.errors, `the page crashed: ${error}`));
  }

  // Everything so far that a good page does not do. `failed` are requests, which fail by right where a server is down.
  async seen() {
    const violations = await this.tab.evaluate(() => globalThis.violations_seen ?? []);
    return { outside: this.outside, console: this.console, errors: this.errors, failed: this.failed, violations };
  }

  // The value of an expression in the page.
  async value(expression) {
    return (await this.tab.evaluate(expression)) ?? null;
  }

  // Asks until the expression is something other than false, null, '' or 0, and returns that; an error in it is a no.
  // Not puppeteer's own waiting, which a page that is loaded anew in between ends.
  async until(expression, instead = 'document.body.innerText', limit_ms = LIMIT_MS) {
    const end = Date.now() + limit_ms;
    let last = 'nothing';
    while (Date.now() < end) {
      try {
        const value = await this.tab.evaluate(expression);
        if (value) return value;
        last = JSON.stringify(value);
      } catch (error) {
        last = String(error);
      }
      await new Promise((done) => setTimeout(done, POLL_MS));
    }
    const there = await this.tab.evaluate(instead).catch(String);
    throw new Error(`after ${limit_ms} ms not so: ${expression}\nlast: ${last}\nbut: ${there}\nseen: ${JSON.stringify(await this.seen())}`);
  }

  // Texts of all elements that have this attribute, by its value.
  async marked(attribute) {
    return await this.tab.evaluate((name) => {
      const all = [...document.querySelectorAll(`[${name}]`)];
      return Object.fromEntries(all.map((element) => [element.getAttribute(name), element.innerText.trim()]));
    }, attribute);
  }

  async click(selector) {
    await this.until(`document.querySelector(${JSON.stringify(selector)}) !== null`);
    await this.tab.click(selector);
  }

  // In place of what stands in the field.
  async fill(selector, text) {
    await this.click(selector);
    const is_choice = await this.tab.$eval(selector, (field) => field.tagName === 'SELECT');
    if (is_choice) {
      await this.tab.select(selector, text);
      return;
    }
    await this.tab.$eval(selector, (field) => field.select?.());
    if (text === '') await this.tab.keyboard.press('Backspace');
    else await this.tab.keyboard.type(text);
  }

  // Keys by puppeteer's names (`Tab`, `Enter`, `ArrowDown`, `Shift+Tab`), or a text to type (`"text:abc"`).
  async press(keys) {
    for (const key of keys) {
      if (key.startsWith('text:')) {
        await this.tab.keyboard.type(key.slice(5));
        continue;
      }
      const [last, ...held] = key.split('+').reverse();
      for (const one of held) await this.tab.keyboard.down(one);
      await this.tab.keyboard.press(last);
      for (const one of held) await this.tab.keyboard.up(one);
    }
  }

  // Everything that the Tab key reaches, in its order, until it comes back: what it is and how its focus is shown.
  async tab_stops(stops_max = 200) {
    const stops = [];
    // From the top: the browser goes on from where the focus was last, even if nothing has it.
    await this.tab.evaluate(() => {
      document.body.tabIndex = -1;
      document.body.focus();
      document.body.removeAttribute('tabindex');
    });
    for (let count = 0; count < stops_max; count += 1) {
      await this.tab.keyboard.press('Tab');
      const stop = await this.tab.evaluate(() => {
        const element = document.activeElement;
        if (element === null || element === document.body) return null;
        if (element.dataset.tabStop === 'been') return null;
        element.dataset.tabStop = 'been';
        const style = getComputedStyle(element);
        const box = element.getBoundingClientRect();
        const is_ringed = (style.outlineStyle !== 'none' && style.outlineWidth !== '0px') || style.boxShadow !== 'none';
        const name = element.id ? `${element.localName}#${element.id}` : element.localName;
        const text = (element.getAttribute('aria-label') ?? element.innerText ?? '').trim().slice(0, 40);
        return { name, text, is_ringed, is_seen: box.width > 0 && box.height > 0 };
      });
      if (stop === null) break;
      stops.push(stop);
    }
    await this.tab.evaluate(() => document.querySelectorAll('[data-tab-stop]').forEach((element) => delete element.dataset.tabStop));
    return stops;
  }

  // Faults of accessibility that axe calls serious or critical, one line each. By evaluation: no policy of a page allows axe as a script.
  async axe() {
    await this.tab.evaluate(axe_source);
    const { violations } = await this.tab.evaluate(async () =>
      await globalThis.axe.run(document, { resultTypes: ['violations'] }));
    const grave = violations.filter(({ impact }) => ['serious', 'critical'].includes(impact));
    return grave.flatMap(({ id, impact, help, nodes }) =>
      nodes.map(({ target, failureSummary }) => `${impact} ${id}: ${help}: ${target.join(' ')}: ${failureSummary}`));
  }

  // Puts what an attacker would into the page; whether it was run.
  async inject() {
    return await this.tab.evaluate(async () => {
      const script = document.createElement('script');
      script.textContent = 'globalThis.intruder = "inline script"';
      document.body.append(script);
      const holder = document.createElement('div');
      holder.innerHTML = '<img src="data:image/png;base64,broken" onerror="globalThis.intruder = \'handler\'">';
      document.body.append(holder);
      // The handler would run after the picture could not be read, or was not allowed.
      await new Promise((done) => { holder.firstChild.addEventListener('error', done); setTimeout(done, 5000); });
      script.remove();
      holder.remove();
      return globalThis.intruder ?? null;
    });
  }

  // How much wider the page is than its window: more than nothing is a page that scrolls sideways.
  async overflow() {
    return await this.tab.evaluate(() => document.scrollingElement.scrollWidth - document.documentElement.clientWidth);
  }

  // By the ending of the file's name: `.png`, or `.webp` in a quality that keeps it small.
  async screenshot(path, { full = true, quality = 80, clip } = {}) {
    mkdirSync(dirname(path), { recursive: true });
    const kind = path.endsWith('.webp') ? { type: 'webp', quality } : { type: 'png' };
    await this.tab.screenshot({ path, ...kind, ...(clip ? { clip } : { fullPage: full }) });
  }

  async emulate({ width, height = 900, scheme, media, scale = 1 }) {
    if (width) await this.tab.setViewport({ width, height, deviceScaleFactor: scale });
    if (scheme) await this.tab.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: scheme }]);
    if (media !== undefined) await this.tab.emulateMediaType(media);
  }

  async close() {
    await this.context.close();
  }
}
