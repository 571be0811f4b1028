// The injector's page: follows a run by server-sent events and shows it. It changes nothing.
import { NOTHING, clock, isKnown, lengthInWords, share, shortNumber, wholeNumber } from './format.js';
import { element, say } from './element.js';
import { append, bandsOf, columns, silentBands, since } from './columns.js';
import { chartsIn } from './charts.js';
import { OLD_S, operationsTable } from './rows.js';

// The injector speaks every second, or every other one if it has nothing new.
const SILENT_AFTER_S = 5;
const AGAIN_MS = 3000;
// After the end of a run another one may begin at the same address.
const LOOK_MS = 5000;
const RECENT_S = 300;
const RECENT_KEPT_S = 330;
const EXTENT_MIN_S = 10;

const at = (id) => document.getElementById(id);
// `run` and `recent` are timelines; `now` is what the last event said; `ended` the last word.
const held = { about: null, run: null, recent: null, target: null, now: null, ended: null, session: null };
const view = { range: 'run', operation: null };
const heard = { at: null, isRefused: false };
let source = null;
let charts = null;
let isDue = false;

function listen() {
  source?.close();
  source = new EventSource('api/v1/live');
  source.addEventListener('snapshot', (event) => hear(event, begin));
  source.addEventListener('second', (event) => hear(event, follow));
  source.addEventListener('still', (event) => hear(event, (said) => { held.now = said; }));
  source.addEventListener('end', (event) => {
    hear(event, (said) => { held.ended = said; });
    source.close();
    setTimeout(listen, LOOK_MS);
  });
  source.addEventListener('error', () => {
    heard.isRefused = true;
    paintSilence();
    // A browser gives up where the answer was no; otherwise it tries again by itself.
    if (source.readyState === EventSource.CLOSED) setTimeout(listen, AGAIN_MS);
  });
}

function hear(event, take) {
  const said = JSON.parse(event.data);
  Object.assign(heard, { at: performance.now(), isRefused: false });
  take(said);
  paintSilence();
  soon();
}

// Everything so far; also after an interruption, and of another run.
function begin(said) {
  const isOther = held.session !== said.status.run.session;
  const [before, now] = said.recent;
  Object.assign(held, { about: said.about, run: said.timeline, recent: append(before, now), target: said.target, now: said });
  held.session = said.status.run.session;
  if (isOther) {
    held.ended = null;
    at('scenario').textContent = said.status.run.scenario;
    document.title = `${said.status.run.scenario} · load injector`;
  }
  offer(said.status.run.operations.map((one) => one.name));
}

function follow(said) {
  if (held.run === null) return;
  // Points became longer: all of them are others.
  const isCoarser = held.run.start_s.length > 0 && held.run.step_s !== said.timeline.step_s;
  held.run = append(held.run, said.timeline);
  held.recent = append(held.recent, said.recent);
  held.recent = since(held.recent, lastOf(held.recent) - RECENT_KEPT_S);
  Object.assign(held, { target: said.target, now: said });
  offer(said.status.run.operations.map((one) => one.name));
  if (isCoarser) listen();
}

function lastOf(figures) {
  const last = figures.start_s.length - 1;
  return last < 0 ? 0 : figures.start_s[last] + figures.length_s[last];
}

// Operations may come while the run goes on.
function offer(names) {
  const select = at('operation');
  const known = [...select.options].slice(1).map((option) => option.value);
  if (names.join('\n') === known.join('\n')) return;
  select.replaceChildren(select.options[0], ...names.map((name) => element('option', { value: name }, name)));
  view.operation = names.includes(view.operation) ? view.operation : null;
  select.value = view.operation ?? '';
}

function soon() {
  if (isDue || document.hidden) return;
  isDue = true;
  requestAnimationFrame(() => {
    isDue = false;
    paint();
  });
}

function paint() {
  if (held.now === null) return;
  const status = held.now.status[view.range];
  paintHeadline(held.ended?.headline ?? held.now.headline);
  paintTiles(status);
  const window = lengthInWords(status.window_seconds);
  at('operations-about').textContent = status.window_seconds > 0
    ? `Rates and times of the last ${window}; counts since the start. The injector’s view, and what the target says of itself.`
    : 'Nothing of late: the run is over or stands still. Counts are since the start.';
  paintOperations(status);
  paintThresholds(status.thresholds);
  paintErrors(status.operations);
  paintCharts();
}

function paintHeadline({ level, blame, title, text, reasons }) {
  const card = at('headline');
  card.dataset.level = level;
  card.dataset.blame = blame ?? '';
  say(at('headline-title'), title);
  say(at('headline-text'), text);
  at('headline-reasons').hidden = reasons.length === 0;
  replace(at('headline-reasons'), reasons.map((reason) => element('li', {}, reason)));
}

function paintTiles(status) {
  const { totals, phase } = status;
  const failed = totals.failed + totals.dropped_late + totals.dropped_limit;
  const done = totals.success + failed;
  const length = held.about?.length_seconds;
  const tile = (name, field, value, text, more) => element('div', {}, element('dt', {}, name),
    element('dd', { 'data-field': field, 'data-value': isKnown(value) || typeof value === 'string' ? value : '' }, text, more ? element('small', {}, more) : null));
  const share_ = done > 0 ? totals.success / done : null;
  const until = isKnown(length) ? `of ${lengthInWords(length)}` : 'until told to stop';
  at('run').textContent = `to ${held.about?.targets.join(', ') ?? NOTHING} · session ${status.session} · version ${status.version}`;
  at('tiles').replaceChildren(
    tile('State', 'state', status.state, status.state, phase.of > 1 ? `phase ${phase.name}, ${phase.number} of ${phase.of}` : status.scale === '100%' ? null : `scale ${status.scale}`),
    tile('Since start', 'elapsed_seconds', status.elapsed_seconds, clock(status.elapsed_seconds), until),
    tile('Rate', 'rate.achieved', status.rate.achieved, `${shortNumber(status.rate.achieved)}/s`, `${shortNumber(status.rate.planned)}/s planned now`),
    tile('Success since start', 'success_ratio', share_, share(share_), `${wholeNumber(totals.success)} of ${wholeNumber(done)}`),
    tile('Failed, dropped', 'totals.failed', totals.failed, wholeNumber(failed), `${wholeNumber(totals.dropped_late + totals.dropped_limit)} of them dropped`),
    tile('In flight', 'totals.in_flight', totals.in_flight, wholeNumber(totals.in_flight)),
    tile('Both accounts', 'unexplained', status.unexplained, ...agreementWords(status)),
  );
}

// In short, and since when.
function agreementWords({ unexplained, state, operations }) {
  const ages = operations.filter((one) => one.target).map((one) => one.target.asked_seconds_ago);
  const asked = ages.length > 0 ? `target asked ${lengthInWords(Math.max(...ages))} ago` : 'target asked every 10 s';
  if (unexplained === null) return [state === 'over' ? 'not compared' : 'not compared yet', asked];
  if (unexplained > 0) return [`differ by ${wholeNumber(unexplained)}`, 'for no known reason'];
  return [Math.max(...ages) > OLD_S && state !== 'over' ? 'agreed then' : 'agree', asked];
}

function paintOperations(status) {
  const scroll = at('operations');
  const left = scroll.scrollLeft;
  const line = (name) => {
    if (held.recent === null) return null;
    const found = columns(held.recent, name, lastOf(held.recent) - 60, Infinity);
    return { response: found.response.p99, failure: found.success.map((ratio) => (ratio !== null && ratio < 1 ? 1 : 0)) };
  };
  scroll.replaceChildren(operationsTable(status.operations, line));
  scroll.scrollLeft = left;
}

function paintThresholds(thresholds) {
  const words = { holds: ['good', 'holds'], crossed: ['bad', 'does not hold'], no_data: ['', 'no data yet'] };
  const items = thresholds.map(({ threshold, result, crossings }) => {
    const [level, word] = words[result];
    const often = crossings > 0 ? `crossed ${crossings === 1 ? 'once' : `${crossings} times`}` : null;
    return element('li', {}, element('span', { class: `state ${level}` }, word), ' ', element('code', {}, threshold), often ? element('small', {}, often) : null);
  });
  replace(at('thresholds'), items.length > 0 ? items : [element('li', { class: 'quiet' }, 'The scenario sets none.')]);
}

function paintErrors(operations) {
  const all = operations.flatMap((one) => one.last_errors.map((error) => ({ ...error, operation: one.name })));
  all.sort((a, b) => b.at_seconds - a.at_seconds);
  const items = all.map((error) => element('li', {}, element('strong', {}, error.error), ` ${error.operation}: ${error.text}`, element('small', {}, `last at ${clock(error.at_seconds)}`)));
  replace(at('errors'), items.length > 0 ? items : [element('li', { class: 'quiet' }, 'No request failed.')]);
}

function paintCharts() {
  const figures = view.range === 'recent' ? { ...held.recent, marks: held.run.marks } : held.run;
  const end = Math.max(lastOf(held.run), lastOf(held.recent));
  const from = view.range === 'recent' ? Math.max(0, end - RECENT_S) : 0;
  const until = Math.max(end, from + EXTENT_MIN_S);
  charts ??= chartsIn(at('charts'), [held.now.status.run.scenario]);
  charts.update({ runs: [{ figures, account: accountOf(view.operation) }], operation: view.operation, from, until });
  const bands = [...bandsOf(held.run, 0, until), ...silentBands(held.target)].sort((a, b) => b.from - a.from);
  const items = bands.map((band) => element('li', {}, band.label, element('small', {}, band.until > band.from ? `${clock(band.from)} to ${clock(band.until)}` : `at ${clock(band.from)}`)));
  replace(at('events'), items.length > 0 ? items : [element('li', { class: 'quiet' }, 'No phase, pause, fault or crossed threshold so far.')]);
}

// What the target said it had received, each time it was asked.
function accountOf(operation) {
  const { at_s, received, operations } = held.target;
  if (operation === null) return held.target;
  const place = held.now.status.run.operations.findIndex((one) => one.name === operation);
  const told = at_s.map((time, n) => [time, operations[place]?.[n] ?? null]).filter(([, count]) => count !== null);
  const shown = { at_s: told.map(([time]) => time), received: told.map(([, count]) => count) };
  // Bands are of the run, whatever is picked.
  return told.length === at_s.length ? { ...shown, undeclared: held.target.undeclared } : shown;
}

// Leaves alone what says the same: a list that is being read must not move, nor be read out again.
function replace(list, items) {
  const text = (nodes) => [...nodes].map((node) => node.textContent).join('\n');
  if (text(list.children) !== text(items)) list.replaceChildren(...items);
}

// Whoever does not speak is not well, whatever it said last.
function paintSilence() {
  const age = heard.at === null ? null : (performance.now() - heard.at) / 1000;
  const isOver = held.ended !== null;
  const isSilent = !isOver && (age === null ? heard.isRefused : age > SILENT_AFTER_S);
  document.body.classList.toggle('is-silent', isSilent);
  const note = at('silence');
  note.hidden = !(isSilent || (isOver && heard.isRefused));
  // The age is apart from what is read out: it is another one each second.
  at('silence-age').hidden = !isSilent || age === null;
  say(at('silence-age'), `No word for ${lengthInWords(age)}.`);
  if (isSilent && age === null) {
    say(at('silence-words'), 'The injector does not answer, or as many pages listen as may. Trying again.');
  } else if (isSilent) {
    say(at('silence-words'), 'What is below is what it said last. Trying again.');
    paintHeadline({ level: 'none', blame: null, title: 'No word from the injector', text: 'It was stopped, or cannot be reached from here.', reasons: [] });
  } else if (!note.hidden) {
    say(at('silence-words'), 'The injector has gone since; what is below is what it said last.');
  }
}

for (const button of document.querySelectorAll('[data-range]')) {
  button.addEventListener('click', () => {
    view.range = button.dataset.range;
    document.querySelectorAll('[data-range]').forEach((one) => one.setAttribute('aria-pressed', String(one === button)));
    soon();
  });
}
at('operation').addEventListener('change', (event) => {
  view.operation = event.target.value === '' ? null : event.target.value;
  soon();
});
document.addEventListener('visibilitychange', soon);
setInterval(paintSilence, 1000);
listen();
