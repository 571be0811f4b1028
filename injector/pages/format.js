// Figures in few characters, the same on the live page and in the report.
//
// Like every module of this folder: imports are whole lines at the head and name files of this folder, exports stand before
// `function` or `const` at the beginning of a line, and no two modules have one name at their top. Without those lines and
// words, one after the other, the modules are one script (the report is a file without a server, where none could be loaded).

// What is shown where nothing is known: never 0, never blank.
export const NOTHING = '–';

export function isKnown(value) {
  return typeof value === 'number' && Number.isFinite(value);
}

// Requests per second, or any other count that may have a fraction.
export function shortNumber(value) {
  if (!isKnown(value)) return NOTHING;
  const size = Math.abs(value);
  if (size >= 1e6) return `${trimmed(value / 1e6, 1)}M`;
  if (size >= 1e5) return `${trimmed(value / 1e3, 0)}k`;
  if (size >= 1e4) return `${trimmed(value / 1e3, 1)}k`;
  if (size >= 100) return trimmed(value, 0);
  return size >= 10 ? trimmed(value, 1) : trimmed(value, 2);
}

// 100 % is all of them and nothing less.
export function share(value) {
  if (!isKnown(value)) return NOTHING;
  if (value === 1) return '100 %';
  const cut = Math.floor(value * 1e4) / 1e2;
  return `${cut.toFixed(2)} %`;
}

export function milliseconds(ms) {
  if (!isKnown(ms)) return NOTHING;
  if (ms === 0) return '0 ms';
  if (ms >= 1e5) return `${trimmed(ms / 1e3, 0)} s`;
  if (ms >= 1e3) return `${trimmed(ms / 1e3, 2)} s`;
  if (ms >= 100) return `${trimmed(ms, 0)} ms`;
  if (ms >= 10) return `${trimmed(ms, 1)} ms`;
  if (ms >= 0.1) return `${trimmed(ms, 2)} ms`;
  return `${trimmed(ms * 1e3, 0)} µs`;
}

export function wholeNumber(value) {
  return isKnown(value) ? String(Math.round(value)).replace(/\B(?=(\d{3})+(?!\d))/g, ' ') : NOTHING;
}

// A time since the start of the run: 0:07, 12:30, 1:02:03.
export function clock(seconds) {
  if (!isKnown(seconds)) return NOTHING;
  const whole = Math.max(0, Math.round(seconds));
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const two = (n) => String(n).padStart(2, '0');
  return h > 0 ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}

// A length in words: 7 s, 2 min 5 s, 1 h 2 min.
export function lengthInWords(seconds) {
  if (!isKnown(seconds)) return NOTHING;
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  if (h === 0) return s === 0 ? `${m} min` : `${m} min ${s} s`;
  return m === 0 ? `${h} h` : `${h} h ${m} min`;
}

function trimmed(value, digits) {
  return value.toFixed(digits).replace(/(\.\d*?)0+$/, '$1').replace(/\.$/, '');
}
