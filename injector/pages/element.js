// Making elements. What comes from names, scenarios, the target or the network only ever gets in as text.

export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  set(made, attributes);
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

export function drawing(tag, attributes = {}, ...children) {
  const made = document.createElementNS('http://www.w3.org/2000/svg', tag);
  set(made, attributes);
  made.append(...children);
  return made;
}

function set(element, attributes) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    element.setAttribute(name, value === true ? '' : String(value));
  }
}

// Changes the text only if it is another: a screen reader hears of what has not changed, too.
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

// A value of the page's style sheet, as it is now: it is another one when the system turns dark.
export function styleValue(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

// A table that scrolls within its frame. `heads` are texts, `rows` lists of texts; numbers stand to the right but for the
// first column.
export function dataTable(caption, heads, rows) {
  const cell = (tag, text, at, more = {}) => element(tag, { class: at > 0 ? 'number' : null, ...more }, text);
  const head = heads.map((text, at) => cell('th', text, at, { scope: 'col' }));
  const body = rows.map((row) => element('tr', {}, ...row.map((text, at) =>
    at === 0 ? cell('th', text, at, { scope: 'row' }) : cell('td', text, at))));
  const table = element('table', {}, element('caption', {}, caption),
    element('thead', {}, element('tr', {}, ...head)), element('tbody', {}, ...body));
  return element('div', { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': caption }, table);
}
