// How response times are spread, point by point: the darker a field, the more requests took about that long.
import { clock, milliseconds, wholeNumber } from './format.js';
import { styleValue } from './element.js';

// Fields a scale of darkness has; fewer requests than one in so many of the fullest field are still seen.
const FAINTEST = 0.12;

// The fields of some columns (see columns.js), with the edges of each in milliseconds.
export function heatFields(found) {
  const fields = [];
  found.heat.forEach((row, at) => row.forEach(([bucket, count]) => {
    const [low, high] = edgesOf(bucket, found.heat_bounds);
    fields.push({ at, from: found.start[at], until: found.start[at] + found.length[at], low, high, count, perSecond: count / (found.length[at] || 1) });
  }));
  return fields;
}

function edgesOf(bucket, bounds) {
  const high = bounds[bucket] ?? bounds[bounds.length - 1] * 1.25;
  const low = bucket > 0 ? bounds[bucket - 1] : high * 0.8;
  return [low, high];
}

// Draws them onto a chart whose scale of values is logarithmic.
export function paintHeat(drawn, fields) {
  const { ctx, bbox } = drawn;
  const most = fields.reduce((max, field) => Math.max(max, field.perSecond), 0);
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  ctx.fillStyle = styleValue('--series-1');
  for (const field of fields) {
    const left = drawn.valToPos(field.from, 'x', true);
    const right = drawn.valToPos(field.until, 'x', true);
    const top = drawn.valToPos(field.high, 'y', true);
    const bottom = drawn.valToPos(field.low, 'y', true);
    // By the root: one request among thousands is what one looks for here.
    ctx.globalAlpha = FAINTEST + (1 - FAINTEST) * Math.sqrt(field.perSecond / most);
    ctx.fillRect(Math.round(left), Math.round(top), Math.max(1, Math.round(right) - Math.round(left)), Math.max(1, Math.round(bottom) - Math.round(top)));
  }
  ctx.restore();
}

// One point in words: from the shortest on.
export function heatInWords(found, at) {
  const row = found.heat[at] ?? [];
  if (row.length === 0) return `${clock(found.time[at])}: no answer`;
  const words = row.map(([bucket, count]) => {
    const [low, high] = edgesOf(bucket, found.heat_bounds);
    return `${wholeNumber(count)} in ${milliseconds(low)} to ${milliseconds(high)}`;
  });
  return `${clock(found.time[at])}: ${words.join(', ')}`;
}
