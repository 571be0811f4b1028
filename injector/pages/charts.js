// All charts of a run, or of two runs on the same axes: on the live page and in the report.
//
// Plain data goes in, as it is served and saved; nothing is fetched here. It needs an element to stand in, the style sheets
// base.css, uplot.css and charts.css, and uPlot as a global. See format.js on how the modules become one script.
import { isKnown, milliseconds, share, shortNumber } from './format.js';
import { element } from './element.js';
import { ERRORS, bandsOf, columns, rateBetween, silentBands } from './columns.js';
import { heatFields, heatInWords, paintHeat } from './heat.js';
import { timePlot } from './plot.js';

// Lines of the second of two runs are drawn with these instead.
const OTHER_DASH = { solid: 'dots', long: 'mixed', short: 'dots', dots: 'short', mixed: 'long' };

const perSecond = (value) => (isKnown(value) ? `${shortNumber(value)}/s` : shortNumber(value));

// Each with `lines`: name, how it is drawn, and what of the columns it shows.
function catalogue() {
  const latency = (quantile, words) => ({
    key: `latency-${quantile}`,
    title: `Latency, ${words}`,
    about: 'Response from the planned instant on, service from the start of the request, the target’s own time as it says itself, and the path’s share. The same axis for both sides, logarithmic.',
    scale: 'log',
    show: milliseconds,
    lines: [
      { name: 'response', colour: 1, dash: 'solid', of: (found) => found.response[quantile] },
      { name: 'service', colour: 2, dash: 'long', of: (found) => found.service[quantile] },
      { name: 'network', colour: 4, dash: 'mixed', of: (found) => found.network[quantile] },
      { name: 'server', colour: 3, dash: 'short', width: 2.5, of: (found) => found.server[quantile] },
    ],
  });
  return [
    {
      key: 'rate',
      title: 'Rate',
      about: 'Requests per second: planned, sent and ended by the injector’s account, received by the target’s own.',
      scale: 'linear',
      show: perSecond,
      lines: [
        { name: 'planned', colour: 6, dash: 'long', width: 3, of: (found) => found.planned },
        { name: 'sent', colour: 1, dash: 'solid', of: (found) => found.sent },
        { name: 'ended', colour: 2, dash: 'short', of: (found) => found.finished },
        { name: 'received by the target', colour: 3, dash: 'mixed', stepped: true, optional: true, of: (found) => found.received },
      ],
    },
    {
      key: 'success',
      title: 'Success',
      about: 'Of the requests that came to an end or were dropped, those that were what was asked for.',
      scale: 'share',
      show: share,
      lines: [{ name: 'success', colour: 3, dash: 'solid', of: (found) => found.success }],
    },
    latency('p99', '99th percentile'),
    latency('p50', 'median'),
    {
      key: 'heat',
      title: 'Spread of response times',
      about: 'The fuller a field, the more requests took about that long.',
      scale: 'log',
      show: milliseconds,
      isHeat: true,
      lines: [
        { name: 'shortest', isGuide: true, of: (found) => guide(found, Math.min) },
        { name: 'longest', isGuide: true, of: (found) => guide(found, Math.max) },
      ],
    },
    {
      key: 'errors',
      title: 'Errors',
      about: 'Failed requests per second by class, and in brackets the stage at which they ended.',
      scale: 'linear',
      show: perSecond,
      quietly: 'no request failed',
      lines: ERRORS.map(({ name, stage }, at) => ({
        name: `${name} (${stage})`,
        colour: (at % 6) + 1,
        dash: ['solid', 'long', 'short', 'mixed', 'dots'][at % 5],
        optional: true,
        of: (found) => found.errors[name],
      })),
    },
    {
      key: 'lag',
      title: 'Injector: lateness',
      about: 'How late the injector itself was, 99th percentile. It is part of every response time.',
      scale: 'log',
      show: milliseconds,
      lines: [{ name: 'lag', colour: 5, dash: 'solid', of: (found) => found.lag_p99 }],
    },
    {
      key: 'load',
      title: 'Injector: in flight and dropped',
      about: 'Requests under way, and those per second that were given up: released too late, or nothing was free for them.',
      scale: 'linear',
      show: shortNumber,
      lines: [
        { name: 'in flight', colour: 1, dash: 'solid', of: (found) => found.in_flight },
        { name: 'dropped, late', colour: 2, dash: 'long', optional: true, of: (found) => found.dropped_late },
        { name: 'dropped, limit', colour: 4, dash: 'short', optional: true, of: (found) => found.dropped_limit },
      ],
    },
  ];
}

// The lowest or highest edge of all fields, at each point: so far the scale goes.
function guide(found, pick) {
  const fields = heatFields(found).filter((field) => field.low > 0);
  if (fields.length === 0) return found.time.map(() => null);
  const edge = fields.map((field) => (pick === Math.min ? field.low : field.high)).reduce((a, b) => pick(a, b));
  return found.time.map(() => edge);
}

// Puts the charts into an element. `names`: of the runs, one or two; of one the name is not shown.
export function chartsIn(root, names) {
  const isPair = names.length > 1;
  const grid = element('div', { class: 'charts' });
  root.append(grid);
  const charts = catalogue().flatMap((entry) => {
    // Two runs cannot be painted over each other: each has a heat map of its own.
    const parts = isPair && entry.isHeat
      ? names.map((name, run) => ({ ...entry, key: `${entry.key}-${run + 1}`, title: `${entry.title}, ${name}`, runs: [run] }))
      : [{ ...entry, runs: names.map((_, run) => run) }];
    return parts.map((part) => chart(grid, part, names));
  });
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => charts.forEach((one) => one.repaint()));
  return {
    // `runs`: for each its `figures`, and if it is known what the target said as `account` (`at_s`; `received` as totals;
    // `undeclared`). `operation`: a name, or null. `from` and `until`: what is shown.
    update: ({ runs, operation, from, until }) => {
      const found = runs.map(({ figures, account }) => {
        const one = columns(figures, operation, from, until);
        return { ...one, received: account ? rateBetween(one.time, account.at_s, account.received) : one.time.map(() => null) };
      });
      // Bands are of the first run: those of both would hide each other.
      const bands = [...bandsOf(runs[0].figures, from, until), ...silentBands(runs[0].account ?? {})];
      charts.forEach((one) => one.update(found, [from, until], bands));
    },
    resize: () => charts.forEach((one) => one.resize()),
    repaint: () => charts.forEach((one) => one.repaint()),
  };
}

function chart(root, entry, names) {
  const isPair = entry.runs.length > 1;
  const lines = entry.runs.flatMap((run) => entry.lines.map((line) => ({
    ...line,
    run,
    name: isPair ? `${names[run]}: ${line.name}` : line.name,
    dash: run > 0 && isPair ? OTHER_DASH[line.dash ?? 'solid'] : line.dash,
    width: run > 0 && isPair ? 1.5 : line.width,
  })));
  let shown = null;
  const plotted = timePlot(root, {
    ...entry,
    series: lines,
    hasNoLegend: entry.isHeat,
    paint: entry.isHeat ? (drawn) => shown && paintHeat(drawn, shown.fields) : undefined,
    inWords: entry.isHeat ? (_, at) => heatInWords(shown.found, at) : undefined,
  });
  return {
    update(all, extent, bands) {
      const each = lines.map((line) => [all[line.run].time, line.of(all[line.run])]);
      const data = isPair ? uPlot.join(each) : [all[entry.runs[0]].time, ...each.map(([, values]) => values)];
      if (entry.isHeat) {
        const found = all[entry.runs[0]];
        shown = { found, fields: heatFields(found) };
        plotted.update(data, extent, bands, heatRows(found));
      } else {
        plotted.update(data, extent, bands);
      }
    },
    repaint: plotted.repaint,
    resize: plotted.resize,
  };
}

function heatRows(found) {
  const list = () => found.time.map((_, at) => heatInWords(found, found.time.length - 1 - at).split(/: (.*)/s).slice(0, 2));
  return { heads: ['time', 'requests by response time'], list, isText: true };
}
