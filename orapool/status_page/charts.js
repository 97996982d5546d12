// Charts of a few lists of numbers over the same time, as SVG. What is null leaves a gap.

const SVG = "http://www.w3.org/2000/svg";
const HEIGHT = 168;
const EDGE = { top: 10, right: 10, bottom: 24, left: 50 };
let made = 0;

/** An element with a class and texts or other elements in it. Texts are never taken for HTML. */
export function element(tag, className = "", ...children) {
  const found = document.createElement(tag);
  if (className) found.className = className;
  found.append(...children);
  return found;
}

function shape(tag, attributes, text) {
  const found = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) found.setAttribute(name, value);
  if (text !== undefined) found.textContent = text;
  return found;
}

/** The time of day, without seconds where they do not matter. */
export function clock(seconds, withSeconds = false) {
  const options = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" };
  if (withSeconds) options.second = "2-digit";
  return new Date(seconds * 1000).toLocaleTimeString([], options);
}

function niceStep(highest, count) {
  const rough = highest / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  return power * [1, 2, 5, 10].find((factor) => factor * power >= rough * 0.999);
}

/** From zero to a bit more than the highest. */
function linear(values, whole) {
  const highest = Math.max(...values, whole ? 2 : 0.5);
  const step = Math.max(niceStep(highest, 4), whole ? 1 : 0);
  const top = Math.ceil(highest / step - 1e-9) * step;
  const ticks = Array.from({ length: Math.round(top / step) + 1 }, (_, index) => index * step);
  return { ticks, part: (value) => value / top };
}

/** Powers of ten around the values: times differ by as much. */
function logarithmic(values) {
  const positive = values.filter((value) => value > 0);
  const floor = (value) => Math.floor(Math.log10(value) + 1e-9);
  const low = positive.length ? Math.max(floor(Math.min(...positive)), -5) : -4;
  const high = Math.max(positive.length ? Math.ceil(Math.log10(Math.max(...positive)) - 1e-9) : 0, low + 2);
  const ticks = Array.from({ length: high - low + 1 }, (_, index) => 10 ** (low + index));
  return { ticks, part: (value) => Math.max(0, (Math.log10(Math.max(value, 1e-9)) - low) / (high - low)) };
}

/**
 * One chart in a figure. `series` are objects of `key`, `label`, and `kind`: "area", stacked in their order, or "line".
 * `format` puts a value into words, `scale` is "whole", "linear" or "log".
 */
export class Chart {
  constructor({ title, series, scale, format }) {
    Object.assign(this, { title, series, scale, format });
    this.at = null;
    this.data = null;
    const name = `chart-${++made}`;
    this.heading = element("h3", "", title);
    this.heading.id = name;
    this.time = element("span", "time");
    this.legend = element("p", "legend");
    this.values = new Map();
    for (const each of series) {
      const value = element("b");
      const mark = element("i", `mark ${each.kind} ${each.key}`);
      mark.setAttribute("aria-hidden", "true");
      this.values.set(each.key, value);
      this.legend.append(element("span", "", mark, `${each.label} `, value));
    }
    this.svg = shape("svg", { role: "img", tabindex: "0", height: HEIGHT });
    this.told = element("p", "unseen");
    this.told.setAttribute("aria-live", "polite");
    const top = element("figcaption", "", this.heading, this.time, this.legend);
    this.root = element("figure", "chart", top, this.svg, this.told);
    this.root.setAttribute("aria-labelledby", name);
    this.svg.addEventListener("pointermove", (event) => this.point(event));
    this.svg.addEventListener("pointerdown", (event) => this.point(event));
    this.svg.addEventListener("pointerleave", () => this.choose(null));
    this.svg.addEventListener("blur", () => this.choose(null));
    this.svg.addEventListener("keydown", (event) => this.press(event));
    new ResizeObserver(() => this.render()).observe(this.root);
  }

  /** Show these: `lists` by the keys of the series, of periods from a time on; `outage` tells of each whether to mark it. */
  show(from, period, lists, outage) {
    this.data = { from, period, lists, outage, count: outage.length };
    this.render();
  }

  place(index) {
    return EDGE.left + ((index + 0.5) / this.data.count) * this.room.width;
  }

  point(event) {
    if (!this.data || !this.room) return;
    const x = event.clientX - this.svg.getBoundingClientRect().left - EDGE.left;
    const index = Math.floor((x / this.room.width) * this.data.count);
    this.choose(Math.min(Math.max(index, 0), this.data.count - 1));
  }

  press(event) {
    if (!this.data) return;
    const last = this.data.count - 1;
    const at = this.at ?? last;
    const moves = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: last, PageUp: at - 12, PageDown: at + 12 };
    if (event.key === "Escape") this.choose(null);
    if (!(event.key in moves)) return;
    event.preventDefault();
    this.choose(Math.min(Math.max(moves[event.key], 0), last));
    this.told.textContent = `${this.time.textContent}: ${this.legend.textContent}`;
  }

  choose(index) {
    this.at = index;
    this.point_out();
  }

  text(key, index) {
    const value = this.data.lists[key][index];
    return value === null || value === undefined ? "-" : this.format(value);
  }

  /** The values of the chosen period, or of the last one, and a line where it is. */
  point_out() {
    if (!this.data || !this.room) return;
    const index = this.at ?? this.data.count - 1;
    for (const each of this.series) this.values.get(each.key).textContent = this.text(each.key, index);
    const begin = this.data.from + index * this.data.period;
    this.time.textContent = clock(begin, true) + (this.data.outage[index] ? ", outage" : "");
    this.cursor.setAttribute("visibility", this.at === null ? "hidden" : "visible");
    this.cursor.setAttribute("x1", this.place(index));
    this.cursor.setAttribute("x2", this.place(index));
  }

  render() {
    const width = Math.floor(this.root.clientWidth);
    if (!this.data || width < 100) return;
    this.room = { width: width - EDGE.left - EDGE.right, height: HEIGHT - EDGE.top - EDGE.bottom };
    const bands = this.bands();
    const values = bands.flatMap((band) => band.tops).filter((value) => value !== null);
    const scale = this.scale === "log" ? logarithmic(values) : linear(values, this.scale === "whole");
    const y = (value) => EDGE.top + (1 - scale.part(value)) * this.room.height;
    this.svg.setAttribute("width", width);
    this.svg.setAttribute("viewBox", `0 0 ${width} ${HEIGHT}`);
    this.svg.setAttribute("aria-label", this.summary());
    this.cursor = shape("line", { class: "cursor", y1: EDGE.top, y2: EDGE.top + this.room.height });
    const drawn = bands.flatMap((band) => this.draw(band, y));
    this.svg.replaceChildren(...this.outages(), ...this.axes(scale, y), ...drawn, this.cursor);
    this.point_out();
  }

  /** Each series with the lines below and on top of it: areas stand on each other. */
  bands() {
    let below = new Array(this.data.count).fill(0);
    return this.series.map((each) => {
      const values = this.data.lists[each.key];
      if (each.kind === "line") return { ...each, tops: values, floors: null };
      const floors = below;
      const tops = values.map((value, index) => (value === null ? null : value + floors[index]));
      below = tops.map((value, index) => value ?? floors[index]);
      return { ...each, tops, floors };
    });
  }

  draw({ key, kind, tops, floors }, y) {
    const path = [];
    let run = [];
    const end = () => {
      if (!run.length) return;
      const half = this.room.width / this.data.count / 2;
      // A value alone is as wide as its period.
      const points = run.length > 1 ? run : [{ ...run[0], x: run[0].x - half }, { ...run[0], x: run[0].x + half }];
      const line = points.map(({ x, top }) => `${x.toFixed(1)},${top.toFixed(1)}`).join("L");
      const back = points.reverse().map(({ x, floor }) => `${x.toFixed(1)},${floor.toFixed(1)}`).join("L");
      path.push(floors ? `M${line}L${back}Z` : `M${line}`);
      run = [];
    };
    tops.forEach((value, index) => {
      if (value === null) end();
      else run.push({ x: this.place(index), top: y(value), floor: y(floors ? floors[index] : 0) });
    });
    end();
    const d = path.join("");
    const found = shape("path", { class: `${kind} ${key}`, d });
    return floors ? [found] : [shape("path", { class: "halo", d }), found];  // to be seen on areas, too
  }

  /** A band for each time in which the database was away. */
  outages() {
    const wide = this.room.width / this.data.count;
    const found = [];
    this.data.outage.forEach((away, index) => {
      if (!away) return;
      if (index && this.data.outage[index - 1]) found[found.length - 1].count += 1;
      else found.push({ index, count: 1 });
    });
    return found.map(({ index, count }) => shape("rect",
      { class: "outage", x: EDGE.left + index * wide, y: EDGE.top, width: count * wide, height: this.room.height }));
  }

  axes(scale, y) {
    const { from, period, count } = this.data;
    const right = EDGE.left + this.room.width;
    const found = [];
    for (const tick of scale.ticks) {
      found.push(shape("line", { class: "grid", x1: EDGE.left, x2: right, y1: y(tick), y2: y(tick) }));
      found.push(shape("text", { class: "tick", x: EDGE.left - 7, y: y(tick) + 4, "text-anchor": "end" }, this.format(tick)));
    }
    const until = from + count * period;
    const every = this.room.width < 300 ? 240 : 120;
    for (let time = Math.ceil(from / every) * every; time < until; time += every) {
      const x = EDGE.left + ((time - from) / (until - from)) * this.room.width;
      const low = EDGE.top + this.room.height;
      found.push(shape("line", { class: "grid", x1: x, x2: x, y1: low, y2: low + 4 }));
      if (x < EDGE.left + 14 || x > right - 10) continue;
      found.push(shape("text", { class: "tick", x, y: HEIGHT - 6, "text-anchor": "middle" }, clock(time)));
    }
    return found;
  }

  /** What there is to see, for who does not. */
  summary() {
    const last = this.data.count - 1;
    const parts = this.series.map(({ key, label }) => {
      const known = this.data.lists[key].filter((value) => value !== null);
      if (!known.length) return `${label}: nothing`;
      return `${label}: ${this.text(key, last)} at last, ${this.format(Math.max(...known))} at most`;
    });
    const away = this.data.outage.some(Boolean) ? "; the database was away at times" : "";
    return `${this.title}, last ten minutes. ${parts.join("; ")}${away}`;
  }
}
