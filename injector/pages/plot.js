// One chart over time: lines of different colour and dash, bands where something was the matter, a legend with values and
// switches, keys, and the same figures as a table. It draws with uPlot, which is a global of its own script.
import { NOTHING, clock, isKnown } from './format.js';
import { dataTable, drawing, element, say, styleValue } from './element.js';

const PLOT_HEIGHT = 220;
// Narrower than this a label in a band would hide what is drawn.
const LABEL_ROOM = 44;
const DASHES = { solid: [], long: [10, 4], short: [4, 3], dots: [1.5, 3], mixed: [10, 3, 2, 3] };

// `spec`: key, title, about (a sentence), scale (linear, log or share), show (a value in words), series of { name, colour
// (1 to 6), dash (of DASHES), width, stepped, optional }, and `paint`, which draws more. A series that is optional has
// no entry in the legend while it has no value but 0; if none has one, the chart says `quietly`.
export function timePlot(root, spec) {
  const state = { data: [[], ...spec.series.map(() => [])], bands: [], extent: [0, 1], rows: null, isKeyed: false };
  const legend = legendOf(spec, (at, isOn) => drawn.setSeries(at + 1, { show: isOn }));
  const frame = element('div', { class: 'plot', tabindex: 0, role: 'img', 'aria-describedby': `${spec.key}-about` });
  const empty = element('p', { class: 'plot-empty quiet' }, 'no data yet');
  const spoken = element('p', { class: 'unseen', 'aria-live': 'polite' });
  const table = element('details', { class: 'plot-table' }, element('summary', {}, 'As a table'));
  const figure = element('section', { class: 'card chart', 'data-chart': spec.key, 'aria-labelledby': `${spec.key}-title` },
    element('h3', { id: `${spec.key}-title` }, spec.title),
    element('p', { id: `${spec.key}-about`, class: 'quiet small' }, spec.about),
    legend.list, element('div', { class: 'plot-frame' }, frame, empty), spoken, table);
  root.append(figure);
  const drawn = new uPlot(options(spec, state, (at) => legend.tell(state.data, at)), state.data, frame);
  new ResizeObserver(() => fit(drawn, frame)).observe(frame);
  frame.addEventListener('keydown', (event) => walk(event, drawn, state, spec, spoken));
  frame.addEventListener('blur', () => drawn.setCursor({ left: -10, top: -10 }));
  table.addEventListener('toggle', () => fill());

  function fill() {
    if (!table.open) return;
    const held = table.querySelector('.scroll');
    const [left, top] = held ? [held.scrollLeft, held.scrollTop] : [0, 0];
    const fresh = dataTable(`${spec.title}, the newest first`, state.rows.heads, state.rows.list());
    if (held) held.replaceWith(fresh); else table.append(fresh);
    fresh.scrollTo(left, top);
  }

  return {
    // `data`: times and a list for each series; `extent`: first and last time; `bands`: { from, until, label, kind }.
    update(data, extent, bands, rows) {
      Object.assign(state, { data, extent, bands, rows: rows ?? rowsOf(spec, data) });
      const isEmpty = !data.slice(1).some((values) => values.some(isKnown));
      const shown = legend.update(data);
      const isQuiet = spec.quietly !== undefined && !spec.series.some((_, at) => legend.isThere(at));
      empty.hidden = !isEmpty && !isQuiet;
      say(empty, isEmpty ? 'no data yet' : spec.quietly ?? '');
      // The data first: a scale is not looked at anew when a line is hidden and data comes at once.
      drawn.setData(data);
      shown.forEach((isShown, at) => {
        if (drawn.series[at + 1].show !== isShown) drawn.setSeries(at + 1, { show: isShown });
      });
      const last = data[0].length - 1;
      const now = isEmpty ? 'no data yet' : isQuiet ? spec.quietly : (spec.inWords ?? inWordsOf(spec))(state, last, shown);
      frame.setAttribute('aria-label', `${spec.title}: ${now}`);
      fill();
    },
    repaint: () => drawn.redraw(false, true),
    resize: () => fit(drawn, frame),
    figure,
  };
}

function fit(drawn, frame) {
  const width = Math.floor(frame.clientWidth);
  if (width > 0 && width !== drawn.width) drawn.setSize({ width, height: PLOT_HEIGHT });
}

function options(spec, state, tell) {
  const line = (series) => ({
    label: series.name,
    scale: 'y',
    stroke: series.isGuide ? 'transparent' : () => styleValue(`--series-${series.colour}`),
    width: series.isGuide ? 0 : series.width ?? 2,
    dash: DASHES[series.dash ?? 'solid'],
    paths: series.stepped ? uPlot.paths.stepped({ align: 1 }) : undefined,
    points: { show: series.isGuide ? false : undefined, size: 5, fill: () => styleValue(`--series-${series.colour}`) },
    spanGaps: false,
  });
  const axis = {
    stroke: () => styleValue('--quiet'),
    grid: { stroke: () => styleValue('--grid'), width: 1 },
    ticks: { stroke: () => styleValue('--grid'), width: 1, size: 4 },
    font: '12px system-ui, sans-serif',
  };
  const wording = (value) => (spec.tick ?? spec.show)(value);
  return {
    width: 600,
    height: PLOT_HEIGHT,
    legend: { show: false },
    padding: [10, 12, 0, 0],
    cursor: { sync: { key: 'time' }, drag: { x: false, y: false, setScale: false }, y: false, points: { size: 8 } },
    scales: { x: { time: false, range: () => state.extent }, y: scale(spec.scale) },
    series: [{}, ...spec.series.map(line)],
    axes: [
      { ...axis, size: 30, space: 70, incrs: [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400], values: (_, at) => at.map(clock) },
      { ...axis, size: 64, scale: 'y', splits: spec.scale === 'log' ? decades : undefined, filter: (_, places) => places, values: (_, at) => at.map(wording) },
    ],
    hooks: {
      drawClear: [(drawn) => shade(drawn, state.bands)],
      draw: [(drawn) => { spec.paint?.(drawn, state); label(drawn, state.bands); }],
      setCursor: [(drawn) => tell(drawn.cursor.idx ?? null)],
    },
  };
}

function scale(kind) {
  if (kind === 'log') {
    return { distr: 3, range: (_, min, max) => {
      if (!isKnown(min) || min <= 0) return [0.1, 10];
      const low = oneDigit(min, Math.floor);
      return [low, Math.max(oneDigit(max, Math.ceil), low * 10)];
    } };
  }
  if (kind === 'share') {
    return { range: (_, min) => [isKnown(min) ? Math.max(0, Math.min(0.99, min - (1 - min) * 0.1)) : 0, 1] };
  }
  return { range: (_, min, max) => [0, isKnown(max) && max > 0 ? max * 1.1 : 1] };
}

// The next number with one digit that is not 0.
function oneDigit(value, round) {
  const power = 10 ** Math.floor(Math.log10(value));
  return Number((round(value / power + (round === Math.floor ? 1e-9 : -1e-9)) * power).toPrecision(1));
}

// 1, 2 and 5 of each power of ten; only the powers where there are many.
function decades(_, axis, low, high) {
  const found = [];
  const steps = high / low > 2000 ? [1] : [1, 2, 5];
  for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); power += 1) {
    for (const step of steps) {
      const value = Number((step * 10 ** power).toPrecision(1));
      if (value >= low && value <= high) found.push(value);
    }
  }
  return found;
}

function edges(drawn, { from, until }) {
  const { left, width } = drawn.bbox;
  const place = (time) => Math.min(Math.max(drawn.valToPos(time, 'x', true), left), left + width);
  return [place(from), place(until)];
}

function isInside(drawn, band) {
  return band.until >= drawn.scales.x.min && band.from <= drawn.scales.x.max;
}

function shade(drawn, bands) {
  const { ctx, bbox } = drawn;
  for (const band of bands.filter((one) => isInside(drawn, one))) {
    const [from, until] = edges(drawn, band);
    ctx.save();
    if (band.until > band.from) {
      ctx.fillStyle = styleValue(band.kind === 'fault' || band.kind === 'threshold' ? '--band' : '--sunk');
      ctx.fillRect(from, bbox.top, Math.max(1, until - from), bbox.height);
    }
    ctx.strokeStyle = styleValue(band.kind === 'fault' || band.kind === 'threshold' ? '--bad' : '--edge');
    ctx.setLineDash([4 * devicePixelRatio, 4 * devicePixelRatio]);
    ctx.beginPath();
    for (const x of band.until > band.from ? [from, until] : [from]) {
      ctx.moveTo(x, bbox.top);
      ctx.lineTo(x, bbox.top + bbox.height);
    }
    ctx.stroke();
    ctx.restore();
  }
}

// After the lines, so that words can be read; cut where the next band begins.
function label(drawn, bands) {
  const { ctx, bbox } = drawn;
  const shown = bands.filter((one) => isInside(drawn, one)).sort((a, b) => a.from - b.from);
  shown.forEach((band, at) => {
    const from = edges(drawn, band)[0];
    const next = shown[at + 1];
    const end = next ? edges(drawn, next)[0] : bbox.left + bbox.width;
    const room = end - from - 8 * devicePixelRatio;
    if (room < LABEL_ROOM * devicePixelRatio) return;
    ctx.save();
    ctx.font = `${11 * devicePixelRatio}px system-ui, sans-serif`;
    ctx.textBaseline = 'top';
    let text = band.label;
    while (text.length > 1 && ctx.measureText(`${text}…`).width > room) text = text.slice(0, -1);
    if (text !== band.label) text += '…';
    const width = ctx.measureText(text).width;
    ctx.globalAlpha = 0.85;
    ctx.fillStyle = styleValue('--card');
    ctx.fillRect(from + 2 * devicePixelRatio, bbox.top + devicePixelRatio, width + 4 * devicePixelRatio, 14 * devicePixelRatio);
    ctx.globalAlpha = 1;
    ctx.fillStyle = styleValue('--text');
    ctx.fillText(text, from + 4 * devicePixelRatio, bbox.top + 2 * devicePixelRatio);
    ctx.restore();
  });
}

// Entries that are switches; each has the line as it is drawn, and the value under the cursor or else the last one.
function legendOf(spec, onSwitch) {
  const list = element('ul', { class: 'legend', 'aria-label': `Lines of ${spec.title}` });
  const hidden = new Set();
  const entries = spec.series.map((series, at) => {
    const value = element('span', { class: 'legend-value', 'data-series': series.name });
    const dash = DASHES[series.dash ?? 'solid'].join(' ');
    const sample = drawing('svg', { viewBox: '0 0 28 8', width: 28, height: 8, 'aria-hidden': 'true' },
      drawing('line', { x1: 0, y1: 4, x2: 28, y2: 4, class: `stroke-${series.colour}`, 'stroke-width': (series.width ?? 2) + 0.5, 'stroke-dasharray': dash || null }));
    const button = element('button', { type: 'button', class: 'legend-entry', 'aria-pressed': 'true' }, sample, element('span', {}, series.name), value);
    button.addEventListener('click', () => {
      if (hidden.has(at)) hidden.delete(at); else hidden.add(at);
      button.setAttribute('aria-pressed', String(!hidden.has(at)));
      onSwitch(at, !hidden.has(at));
    });
    const item = element('li', {}, button);
    list.append(item);
    return { item, value };
  });
  list.hidden = spec.series.length === 0 || spec.hasNoLegend === true;
  return {
    list,
    isThere: (at) => !entries[at].item.hidden,
    update(data) {
      this.tell(data, null);
      return spec.series.map((series, at) => {
        const isThere = !series.optional || data[at + 1].some((value) => isKnown(value) && value !== 0);
        entries[at].item.hidden = !isThere;
        return isThere && !hidden.has(at);
      });
    },
    tell(data, index) {
      const at = index ?? data[0].length - 1;
      entries.forEach(({ value }, series) => say(value, at < 0 ? NOTHING : spec.show(data[series + 1][at])));
    },
  };
}

function inWordsOf(spec) {
  return ({ data }, at, shown) => {
    const values = spec.series.map((series, n) => `${series.name} ${spec.show(data[n + 1][at])}`);
    return `${clock(data[0][at])}: ${values.filter((_, n) => shown[n]).join(', ')}`;
  };
}

// Arrow keys move the cursor from point to point and say what is there.
function walk(event, drawn, state, spec, spoken) {
  const last = state.data[0].length - 1;
  const now = drawn.cursor.idx ?? last;
  const to = { ArrowLeft: now - 1, ArrowRight: now + 1, Home: 0, End: last }[event.key];
  if (to === undefined || last < 0) return;
  event.preventDefault();
  const at = Math.min(Math.max(to, 0), last);
  drawn.setCursor({ left: drawn.valToPos(state.data[0][at], 'x'), top: 8 }, true, true);
  const shown = spec.series.map((_, n) => drawn.series[n + 1].show);
  say(spoken, (spec.inWords ?? inWordsOf(spec))(state, at, shown));
}

function rowsOf(spec, data) {
  const kept = spec.series.map((series, n) => n).filter((n) => !spec.series[n].optional || data[n + 1].some((value) => isKnown(value) && value !== 0));
  const row = (at) => [clock(data[0][at]), ...kept.map((n) => spec.show(data[n + 1][at]))];
  return {
    heads: ['time', ...kept.map((n) => spec.series[n].name)],
    list: () => data[0].map((_, at) => row(data[0].length - 1 - at)),
  };
}
