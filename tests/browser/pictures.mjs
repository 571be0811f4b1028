// The pictures of the README: a real target, a real run with a fault for a while, their pages and the report of the run.
//
//   node-pages tests/browser/pictures.mjs CHROMIUM PROGRAMS FOLDER
//
// `scripts/screenshots` calls it. Each picture is waited for: a page is taken when it shows what it is taken for.

import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import process from 'node:process';
import { pathToFileURL } from 'node:url';

import { Page, launch } from './page.mjs';

const [chromium, programs, folder] = process.argv.slice(2);
const SCHEMES = ['light', 'dark'];
const SIZE = { width: 1200, height: 860 };
const SCALE = 1.25;
// Usual ports, as a reader has them, on an address of this machine that nobody uses.
const HOST = '127.98.98.98';
const LISTENERS = { http: 9898, https: 9899, grpc: 9999, tcp: 9007, udp: 9007, dns: 1053, admin: 9797 };
// A fault from here to there, in seconds of the run: long enough before and after for a chart to show both.
const FAULT_FROM_S = 45;
const FAULT_FOR_S = 30;

// A program of ours that listens, and where each of its listeners is.
async function start(name, args, wanted) {
  const child = spawn(join(programs, name), args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = new Promise((done) => { child.once('exit', done); });
  const at = {};
  const lines = createInterface({ input: child.stdout });
  await new Promise((done, fail) => {
    child.once('error', fail);
    child.once('exit', (code) => fail(new Error(`${name} ended with ${code}`)));
    lines.on('line', (line) => {
      const found = /listening protocol=(\w+) .*address=(\S+)/.exec(line);
      if (found) at[found[1]] = found[2];
      if (wanted.every((one) => at[one])) done();
    });
  });
  return { child, at, ended };
}

async function json(method, url, body) {
  const headers = body ? { 'content-type': 'application/json' } : {};
  const answer = await fetch(url, { method, headers, body: body && JSON.stringify(body) });
  if (!answer.ok) throw new Error(`${method} ${url}: ${answer.status} ${await answer.text()}`);
  return await answer.json();
}

// Until the run has gone on for so many seconds.
async function elapsed(injector, seconds) {
  for (;;) {
    const status = await json('GET', `http://${injector}/api/v1/status`);
    if (status.elapsed_seconds >= seconds) return;
    await new Promise((done) => setTimeout(done, 200));
  }
}

// The same page in both schemes, from its top or from an element on.
async function take(browser, name, url, shown, from = 'body') {
  const page = await Page.open(browser, { url, ...SIZE, scale: SCALE });
  await page.until(shown);
  for (const scheme of SCHEMES) {
    await page.emulate({ ...SIZE, scale: SCALE, scheme });
    // Charts are drawn anew for the scheme, which is done by the second frame.
    await page.value('new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))');
    await page.value(`document.querySelector('${from}').scrollIntoView()`);
    await page.screenshot(join(folder, `${name}-${scheme}.webp`), { full: false });
  }
  await page.close();
}

const work = mkdtempSync(join(tmpdir(), 'pictures-'));
const running = [];
const browser = await launch(chromium, [HOST]);
try {
  const addresses = Object.entries(LISTENERS).flatMap(([name, port]) => [`--${name}-address`, `${HOST}:${port}`]);
  const target = await start('target-server', [...addresses, '--drain-delay', '0s'], ['admin', 'http']);
  running.push(target.child);
  const report = join(work, 'report.html');
  const injector = await start('injector', ['run', 'scenarios/demo.yaml', '--target', HOST,
    '--admin-address', `${HOST}:9798`, '--html', report], ['admin']);
  running.push(injector.child);

  await elapsed(injector.at.admin, FAULT_FROM_S);
  await json('PUT', `http://${target.at.admin}/faults/outage`, {
    ttl: `${FAULT_FOR_S}s`, match: { protocol: 'http' }, fault: 'status=503:20&delay=30ms',
  });
  await elapsed(injector.at.admin, FAULT_FROM_S + FAULT_FOR_S - 10);
  // Below page/ the rule does not strike the page itself.
  // Below page/ the rule does not strike the page itself.
  await take(browser, 'target', `http://${target.at.http}/page/`,
    'document.body.innerText.includes("1 rule active") && document.querySelector("#lines code") !== null');
  await elapsed(injector.at.admin, FAULT_FROM_S + FAULT_FOR_S + 20);
  const isDrawn = 'document.body.innerText.includes("web-fresh") && document.querySelector("[data-chart=heat] canvas") !== null';
  await take(browser, 'live', `http://${injector.at.admin}/`, isDrawn);
  await take(browser, 'charts', `http://${injector.at.admin}/`, isDrawn, '#charts');
  injector.child.kill('SIGTERM');
  await injector.ended;
  await take(browser, 'report', pathToFileURL(report).href, 'document.querySelector("[data-chart=heat] canvas") !== null');
} finally {
  running.forEach((child) => child.kill());
  await browser.close();
  rmSync(work, { recursive: true, force: true });
}
