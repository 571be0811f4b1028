// The table of operations: each with both sides, whether their accounts agree, and how its response times went of late.
//
// A shown figure carries the number it was made from, `data-field` says which, `data-operation` whose.
import { NOTHING, isKnown, lengthInWords, milliseconds, share, shortNumber, wholeNumber } from './format.js';
import { drawing, element } from './element.js';

const SPARK = { width: 120, height: 30, points: 60 };

const HEADS = [
  ['operation', ''],
  ['rate', 'ended, of planned'],
  ['success', 'of all due'],
  ['response', 'p50, p99'],
  ['target’s own', 'p50, p99'],
  ['path', 'p50, p99'],
  ['path’s share', 'of the median'],
  ['sent, received', 'by both accounts'],
  ['without answer', 'lost on the way'],
  ['last minute', 'response p99'],
];

// `operations`: as /api/v1/status has them; `line`: gives an operation's columns of the last minutes.
export function operationsTable(operations, line) {
  const head = HEADS.map(([name, more]) => element('th', { scope: 'col', class: name === 'operation' || name === 'last minute' ? null : 'number' }, name, element('small', {}, more)));
  return element('table', {}, element('thead', {}, element('tr', {}, ...head)),
    element('tbody', {}, ...operations.map((one) => row(one, line(one.name)))));
}

function row(one, recent) {
  const cell = (...content) => element('td', { class: 'number' }, ...content);
  const figure = (field, value, text) => element('span', { 'data-field': field, 'data-operation': one.name, 'data-value': isKnown(value) ? value : '' }, text);
  const more = (...content) => element('small', {}, ...content);
  const times = (side) => {
    const found = one.latency_seconds[side];
    const at = (quantile) => figure(`latency_seconds.${side}.${quantile}`, found?.[quantile], inMs(found?.[quantile]));
    return cell(at('p50'), more(at('p99')));
  };
  const about = [one.protocol, one.injected ? 'asks for faults' : null, one.enabled ? null : 'switched off'].filter(Boolean).join(', ');
  const [response, network] = [one.latency_seconds.response?.p50, one.latency_seconds.network?.p50];
  const ofMedian = isKnown(response) && isKnown(network) && response > 0 ? Math.min(network / response, 1) : null;
  const failed = one.totals.failed + one.totals.dropped_late + one.totals.dropped_limit;
  return element('tr', { 'data-operation': one.name },
    element('th', { scope: 'row' }, one.name, more(about)),
    cell(figure('rate.achieved', one.rate.achieved, `${shortNumber(one.rate.achieved)}/s`), more(figure('rate.planned', one.rate.planned, `${shortNumber(one.rate.planned)}/s`))),
    cell(figure('success_ratio', one.success_ratio, share(one.success_ratio)), more(failed === 0 ? 'none failed' : `${wholeNumber(failed)} failed`)),
    times('response'), times('server'), times('network'),
    cell(figure('network_share', ofMedian, isKnown(ofMedian) ? `${Math.round(ofMedian * 100)} %` : NOTHING)),
    cell(...agreement(one, figure, more)),
    cell(...fates(one, figure, more)),
    element('td', {}, sparkline(one.name, recent)));
}

function inMs(seconds) {
  return milliseconds(isKnown(seconds) ? seconds * 1e3 : null);
}

// Between two questions lie ten seconds; an older answer says nothing of now.
export const OLD_S = 25;

function agreement(one, figure, more) {
  if (!one.target) return [element('span', { class: 'state' }, 'not compared yet')];
  const { sent, received, asked_seconds_ago: ago } = one.target;
  const counts = more(figure('target.sent', sent, wholeNumber(sent)), ', ', figure('target.received', received, wholeNumber(received)), `; ${lengthInWords(ago)} ago`);
  const state = one.unexplained > 0
    ? element('span', { class: 'state bad' }, figure('unexplained', one.unexplained, `${wholeNumber(one.unexplained)} unexplained`))
    : ago > OLD_S || one.unexplained === null
      ? element('span', { class: 'state' }, figure('unexplained', one.unexplained, one.unexplained === null ? 'not compared' : 'agreed then'))
      : element('span', { class: 'state good' }, figure('unexplained', one.unexplained, 'agree'));
  return [state, counts];
}

function fates(one, figure, more) {
  const found = one.fates ?? {};
  const count = (name) => found[name] ?? 0;
  const all = count('request_lost') + count('response_lost') + count('unknown');
  if (all === 0) return [element('span', {}, '0')];
  const parts = [['request_lost', 'on the way there'], ['response_lost', 'on the way back'], ['unknown', 'unknown']].filter(([name]) => count(name) > 0);
  return [figure('fates', all, wholeNumber(all)), ...parts.map(([name, words]) => more(figure(`fates.${name}`, count(name), wholeNumber(count(name))), ` ${words}`))];
}

// A line of response times, and a tick below wherever something failed.
function sparkline(name, line) {
  const p99 = (line?.response ?? []).slice(-SPARK.points);
  const known = p99.filter(isKnown);
  if (known.length === 0) return element('span', { class: 'quiet' }, 'no data yet');
  const most = Math.max(...known);
  const [low, high] = [SPARK.height - 6, 2];
  const x = (at) => ((at + 1 + SPARK.points - p99.length) / SPARK.points) * SPARK.width;
  let isOpen = false;
  const path = p99.map((value, at) => {
    if (!isKnown(value)) { isOpen = false; return ''; }
    const step = `${isOpen ? 'L' : 'M'}${x(at).toFixed(1)} ${(low - (value / most) * (low - high)).toFixed(1)}`;
    isOpen = true;
    return step;
  }).join('');
  const troubles = line.failure.slice(-SPARK.points).map((count, at) => (count > 0 ? `M${x(at).toFixed(1)} ${SPARK.height - 4}V${SPARK.height}` : '')).join('');
  const words = `${name}: response p99 of the last minute up to ${milliseconds(most)}, now ${milliseconds(known[known.length - 1])}${troubles ? ', with failures' : ''}`;
  return drawing('svg', { class: 'spark', viewBox: `0 0 ${SPARK.width} ${SPARK.height}`, role: 'img', 'aria-label': words },
    drawing('path', { d: path }), drawing('path', { class: 'trouble', d: troubles }));
}
