// A timeline as it is served and saved (`step_s`, `start_s`, `length_s`, `heat_bounds_ms`, `total`, `operations`, `marks`)
// as columns to draw: per second, between two instants, of one operation or of all.
//
// A column of counts that is left out is 0 throughout, one of times is not known.
import { isKnown } from './format.js';

// Where in its life a request is when an error of this class ends it, in that order; the rest of the classes are of answers.
const STAGES = [
  ['name', ['dns_timeout', 'dns_nxdomain', 'dns_servfail', 'dns_other']],
  ['connect', ['connect_refused', 'connect_timeout', 'connect_unreachable']],
  ['TLS', ['tls']],
  ['request', ['send']],
  ['answer', ['timeout', 'reset', 'closed', 'protocol']],
  ['content', ['status', 'validation']],
  ['injector', ['internal']],
];

export const ERRORS = STAGES.flatMap(([stage, classes]) => classes.map((name) => ({ name, stage })));

// `operation`: a name, or null for all together. `from` and `until` in seconds since the first slot.
export function columns(figures, operation, from, until) {
  const line = (operation === null ? figures.total : figures.operations?.find((one) => one.name === operation)) ?? {};
  const kept = [];
  (figures.start_s ?? []).forEach((start, at) => {
    if (start + figures.length_s[at] > from && start < until) kept.push(at);
  });
  const length = kept.map((at) => figures.length_s[at]);
  const counts = (column) => kept.map((at) => column?.[at] ?? 0);
  const rates = (column) => counts(column).map((count, at) => (length[at] > 0 ? count / length[at] : null));
  const times = (column) => kept.map((at) => column?.[at] ?? null);
  const quantiles = (of) => ({ p50: times(of?.p50_ms), p90: times(of?.p90_ms), p99: times(of?.p99_ms), max: times(of?.max_ms) });
  const [success, failure] = [counts(line.success), counts(line.failure)];
  const dropped = counts(line.dropped_late).map((late, at) => late + counts(line.dropped_limit)[at]);
  return {
    // In the middle of its point.
    time: kept.map((at) => figures.start_s[at] + figures.length_s[at] / 2),
    start: kept.map((at) => figures.start_s[at]),
    length,
    planned: rates(line.planned),
    sent: rates(line.sent),
    finished: rates(success.map((count, at) => count + failure[at])),
    // Of those that came to an end or were dropped, as `availability`.
    success: success.map((count, at) => {
      const all = count + failure[at] + dropped[at];
      return all > 0 ? count / all : null;
    }),
    by_rule: rates(line.by_rule),
    errors: Object.fromEntries(ERRORS.map(({ name }) => [name, rates(line.errors?.[name])])),
    dropped_late: rates(line.dropped_late),
    dropped_limit: rates(line.dropped_limit),
    in_flight: counts(line.in_flight),
    response: quantiles(line.response),
    service: quantiles(line.service),
    server: quantiles(line.server),
    network: quantiles(line.network),
    lag_p99: times(line.lag_p99_ms),
    heat: kept.map((at) => heatRow(line.heat?.[at] ?? [])),
    heat_bounds: figures.heat_bounds_ms ?? [],
  };
}

// [bucket, count] of each that is not empty: `-n` stands for n empty ones.
function heatRow(row) {
  const found = [];
  let bucket = 0;
  for (const number of row) {
    if (number > 0) found.push([bucket, number]);
    bucket += number < 0 ? -number : 1;
  }
  return found;
}

// What held within these times, as bands of a chart.
export function bandsOf(figures, from, until) {
  const marks = (figures.marks ?? []).filter((mark) => mark.until_s >= from && mark.from_s <= until);
  return marks.map((mark) => ({ from: mark.from_s, until: mark.until_s, ...named(mark) }));
}

function named({ kind, label }) {
  switch (kind) {
    case 'rule': return { kind: 'fault', label: `fault: ${label}` };
    case 'threshold': return { kind, label: `crossed: ${label}` };
    case 'phase': return { kind, label: `phase ${label}` };
    case 'reload': return { kind, label: `reload: ${label}` };
    default: return { kind, label };
  }
}

// A growing total, sampled now and then, as a rate at each of these times; nothing before the first sample and after the
// last one.
export function rateBetween(times, at, totals) {
  return times.map((time) => {
    const next = at.findIndex((sampled) => sampled >= time);
    if (next < 1) return null;
    const rate = (totals[next] - totals[next - 1]) / (at[next] - at[next - 1]);
    return isKnown(rate) && rate >= 0 ? rate : null;
  });
}

// Puts a timeline of later points behind one, in its place: the last point may have grown, and its figures are the newer.
export function append(figures, later) {
  if ((later.start_s ?? []).length === 0) return figures;
  const first = later.start_s[0];
  const found = figures.start_s.findIndex((start) => start >= first - 1e-6);
  const kept = found < 0 ? figures.start_s.length : found;
  const added = later.start_s.length;
  const lines = (older, newer) => joined(older ?? {}, newer ?? {}, kept, added);
  const names = [...new Set([...figures.operations, ...later.operations].map((one) => one.name))];
  const find = (list, name) => list.find((one) => one.name === name);
  return {
    step_s: later.step_s,
    start_s: [...figures.start_s.slice(0, kept), ...later.start_s],
    length_s: [...figures.length_s.slice(0, kept), ...later.length_s],
    heat_bounds_ms: later.heat_bounds_ms,
    total: lines(figures.total, later.total),
    operations: names.map((name) => ({ ...lines(find(figures.operations, name), find(later.operations, name)), name })),
    marks: later.marks,
  };
}

// Columns one by one, those within columns likewise. What is missing of one side is filled in.
function joined(older, newer, kept, added) {
  const found = {};
  for (const key of new Set([...Object.keys(older), ...Object.keys(newer)])) {
    const [mine, theirs] = [older[key], newer[key]];
    const sample = mine ?? theirs;
    if (Array.isArray(sample)) {
      const nothing = key === 'heat' ? [] : key.endsWith('_ms') ? null : 0;
      const column = (list, length) => list?.slice(0, length) ?? Array(length).fill(nothing);
      found[key] = [...column(mine, kept), ...column(theirs, added)];
    } else if (typeof sample === 'object' && sample !== null) {
      found[key] = joined(mine ?? {}, theirs ?? {}, kept, added);
    } else {
      found[key] = sample;
    }
  }
  return found;
}

// Without the points that ended before that.
export function since(figures, from) {
  const gone = figures.start_s.findIndex((start, at) => start + figures.length_s[at] > from);
  if (gone <= 0) return figures;
  const cut = (value) => {
    if (Array.isArray(value)) return value.slice(gone);
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, cut(inner)]));
  };
  return {
    ...figures,
    start_s: cut(figures.start_s),
    length_s: cut(figures.length_s),
    total: cut(figures.total),
    operations: figures.operations.map(cut),
  };
}
