// The charts of a report. The data is in the file; nothing is fetched.
import { element } from './element.js';
import { chartsIn } from './charts.js';

const embedded = JSON.parse(document.getElementById('data').textContent);
const chartsPlace = document.getElementById('charts-place');
if (embedded !== null && chartsPlace !== null) showCharts(embedded, chartsPlace);

function showCharts({ names, runs }, place) {
  const charts = chartsIn(place, names);
  // All runs begin at 0, so that what came when is on the same axis.
  const end = Math.max(...runs.map((run) => run.start_s.at(-1) + run.length_s.at(-1)));
  const show = (operation) => charts.update({ runs: runs.map((figures) => ({ figures })), operation, from: 0, until: end });
  chooseOperation(runs, show);
  show(null);
  redrawForPaper(charts);
}

function chooseOperation(runs, show) {
  const operations = [...new Set(runs.flatMap((run) => run.operations.map((one) => one.name)))];
  if (operations.length < 2) return;
  const option = (name, at) => element('option', { value: at }, name);
  const select = element('select', { id: 'operation' }, option('all together', ''), ...operations.map(option));
  select.addEventListener('change', () => show(select.value === '' ? null : operations[Number(select.value)]));
  document.getElementById('charts-choice').append(element('label', { for: 'operation' }, 'Operation'), select);
}

// A drawing is neither as wide as paper nor as light: it is made anew, and again when the page is back on the screen.
function redrawForPaper(charts) {
  const redraw = (isPaper) => {
    document.documentElement.classList.toggle('printing', isPaper);
    charts.resize();
    charts.repaint();
  };
  matchMedia('print').addEventListener('change', ({ matches }) => redraw(matches));
  addEventListener('beforeprint', () => redraw(true));
  addEventListener('afterprint', () => redraw(false));
}
