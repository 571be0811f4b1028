// One Chromium for many tests: each connection is a page, each line on it a command in JSON, each answer a line.
//
//   node-pages tests/browser/drive.mjs CHROMIUM
//
// Prints the address it listens at. `{"do": "open", "url": ...}` comes first on a connection; what else can be done is
// `COMMANDS`. The answer is `{"ok": value}` or `{"error": text}`. The page closes with its connection, all ends with
// standard input: a test that is killed leaves no browser.

import { createServer } from 'node:net';
import { createInterface } from 'node:readline';
import process from 'node:process';

import { Page, launch } from './page.mjs';

const COMMANDS = {
  about: (page) => ({ status: page.status, headers: page.headers }),
  seen: (page) => page.seen(),
  value: (page, { expression }) => page.value(expression),
  until: (page, { expression, instead }) => page.until(expression, instead),
  marked: (page, { attribute }) => page.marked(attribute),
  click: (page, { selector }) => page.click(selector),
  fill: (page, { selector, text }) => page.fill(selector, text),
  press: (page, { keys }) => page.press(keys),
  tab_stops: (page) => page.tab_stops(),
  axe: (page) => page.axe(),
  inject: (page) => page.inject(),
  overflow: (page) => page.overflow(),
  screenshot: (page, { path, ...how }) => page.screenshot(path, how),
  emulate: (page, how) => page.emulate(how),
};

const browser = await launch(process.argv[2]);

async function serve(socket) {
  let page;
  socket.on('error', () => {});
  for await (const line of createInterface({ input: socket })) {
    let answer;
    try {
      const { do: name, ...rest } = JSON.parse(line);
      if (name === 'open') {
        await page?.close();
        page = await Page.open(browser, rest);
        answer = { ok: null };
      } else if (COMMANDS[name]) {
        answer = { ok: (await COMMANDS[name](page, rest)) ?? null };
      } else {
        answer = { error: `unknown command '${name}' (known: open, ${Object.keys(COMMANDS).join(', ')})` };
      }
    } catch (error) {
      answer = { error: String(error?.stack ?? error) };
    }
    socket.write(`${JSON.stringify(answer)}\n`);
  }
  await page?.close();
}

async function end() {
  await browser.close();
  process.exit(0);
}

const server = createServer((socket) => { serve(socket).catch(() => socket.destroy()); });
server.listen(0, '127.0.0.1', () => console.log(`listening address=127.0.0.1:${server.address().port}`));
process.stdin.on('end', end).resume();
process.on('SIGTERM', end);
