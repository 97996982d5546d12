// Fetches the numbers every few seconds, while the page is to be seen, and shows them.

import { Chart, clock, element } from "./charts.js";

const EVERY = 2000;
const PATIENCE = 10000;
const MINUTES = 10;

const byId = (id) => document.getElementById(id);
const sections = new Map();
const order = { key: "pid", down: false };
let latest = null;
let timer = null;
let asking = false;

// Values in words.

const whole = (value) => String(Math.round(value));
const rate = (value) => (value === 0 ? "0" : value < 100 ? value.toFixed(1).replace(/\.0$/, "") : whole(value));

/** Seconds in words: 250 µs, 4.2 ms, 12 s, 5 min, 3.5 h. */
function duration(seconds) {
  if (seconds === null || seconds === undefined) return "-";
  const [unit, size] = [["h", 3600], ["min", 60], ["s", 1], ["ms", 1e-3], ["µs", 1e-6]]
    .find(([name, each]) => seconds >= each * (name === "h" || name === "min" ? 2 : 0.9995)) ?? ["µs", 1e-6];
  const value = seconds / size;
  return `${value < 10 ? value.toFixed(1).replace(/\.0$/, "") : whole(value)} ${unit}`;
}

const sum = (pools, key) => pools.reduce((total, pool) => total + pool[key], 0);
const dead = (pool) => pool.replaced + Object.values(pool.dropped).reduce((total, count) => total + count, 0);
const unique = (values) => [...new Set(values)];
const most = (values) => values.reduce((found, value) => (value === null ? found : Math.max(found ?? value, value)), null);

// What there is to see of a pool.

const COLUMNS = [
  { key: "pid", label: "Process", value: (pool) => pool.pid, text: String },
  { key: "command", label: "Command", value: (pool) => pool.command, text: String, words: true },
  { key: "opened", label: "Open", value: (pool) => pool.opened, text: whole, total: true },
  { key: "busy", label: "Busy", value: (pool) => pool.busy, text: whole, total: true },
  { key: "idle", label: "Idle", value: (pool) => pool.idle, text: whole, total: true },
  { key: "waiting", label: "Waiting", value: (pool) => pool.waiting, text: whole, total: true, bad: true },
  { key: "rate", label: "Checkouts/s", value: (pool) => pool.checkouts_per_second, text: rate, total: true },
  { key: "p50", label: "Wait p50", value: (pool) => pool.recent.wait_p50, text: duration },
  { key: "p99", label: "Wait p99", value: (pool) => pool.recent.wait_p99, text: duration },
  { key: "log_ons", label: "Log-ons", value: (pool) => pool.log_ons, text: whole, total: true },
  { key: "timeouts", label: "Timeouts", value: (pool) => pool.timeouts, text: whole, total: true, bad: true },
  { key: "dead", label: "Dead", value: dead, text: whole, total: true, bad: true },
];

const CHARTS = [
  {
    title: "Sessions and callers",
    series: [
      { key: "busy", label: "busy", kind: "area" },
      { key: "idle", label: "idle", kind: "area" },
      { key: "waiting", label: "waiting", kind: "line" },
    ],
    scale: "whole",
    format: whole,
  },
  {
    title: "Checkouts a second",
    series: [{ key: "checkouts_per_second", label: "checkouts/s", kind: "line" }],
    scale: "linear",
    format: rate,
  },
  {
    title: "Wait for a session",
    series: [
      { key: "wait_p50", label: "p50", kind: "line" },
      { key: "wait_p99", label: "p99", kind: "line" },
    ],
    scale: "log",
    format: duration,
  },
];

const MINUTE_COLUMNS = [
  { label: "Busy", key: "busy", text: whole },
  { label: "Idle", key: "idle", text: whole },
  { label: "Waiting", key: "waiting", text: whole },
  { label: "Checkouts/s", key: "checkouts_per_second", text: rate },
  { label: "Wait p50", key: "wait_p50", text: duration },
  { label: "Wait p99", key: "wait_p99", text: duration },
  { label: "Timeouts", key: "timeouts", text: whole },
  { label: "Dead", key: "dead", text: whole },
];

function cell(tag, text, className = "") {
  const found = element(tag, className, text);
  if (tag === "th") found.scope = "col";
  return found;
}

function head(table, labels) {
  table.tHead.replaceChildren(element("tr", "", ...labels.map(([label, className]) => cell("th", label, className))));
}

function rows(table, found, otherwise) {
  const none = element("tr", "quiet", element("td", "words", otherwise));
  none.firstChild.colSpan = table.tHead.rows[0].cells.length;
  table.tBodies[0].replaceChildren(...(found.length ? found : [none]));
}

/** The part of the page about pools of one name. */
class Section {
  constructor(name) {
    this.name = name;
    this.root = document.getElementById("pool").content.firstElementChild.cloneNode(true);
    const find = (selector) => this.root.querySelector(selector);
    find("h2").append("Pool ", element("b", "", name));
    this.about = find(".about");
    this.charts = CHARTS.map((options) => new Chart(options));
    find(".charts").append(...this.charts.map((chart) => chart.root));
    this.minutes = find(".minutes");
    this.minutes.addEventListener("toggle", () => this.showMinutes());
    this.processes = find("table.processes");
    this.checkouts = find("table.checkouts");
    this.dead = find("table.dead");
    for (const region of this.root.querySelectorAll(".wide")) {
      region.setAttribute("aria-label", `${region.querySelector("caption").textContent}, pool ${name}`);
    }
    this.makeHeads();
  }

  makeHeads() {
    head(this.minutes.querySelector("table"), [["From", "words"], ...MINUTE_COLUMNS.map(({ label }) => [label, ""])]);
    head(this.checkouts, [["Process", ""], ["For", ""], ["Checked out at", "words"], ["By", "words"]]);
    head(this.dead, [["Cause", "words"], ["Sessions", ""]]);
    const titles = COLUMNS.map(({ key, label, words }) => {
      const button = element("button", "", label);
      button.type = "button";
      button.addEventListener("click", () => {
        order.down = order.key === key ? !order.down : !(words || key === "pid");
        order.key = key;
        for (const section of sections.values()) section.showProcesses();
      });
      return cell("th", button, words ? "words" : "");
    });
    this.processes.tHead.replaceChildren(element("tr", "", ...titles));
  }

  show(pools, history, from, period) {
    Object.assign(this, { pools, history, from, period });
    const addresses = unique(pools.map((pool) => `${pool.user ?? "external user"}@${pool.dsn}`)).join(", ");
    const kinds = unique(pools.map((pool) => `${pool.driver}, ${pool.kind}`)).join("; ");
    const limits = unique(pools.map((pool) => pool.max)).join(" or ");
    const each = pools.length > 1 ? `, in each of ${pools.length} processes` : "";
    this.about.textContent = `${addresses}. ${kinds}; max ${limits} sessions${each}`;
    for (const chart of this.charts) chart.show(from, period, history, history.outage);
    this.showProcesses();
    this.showCheckouts();
    this.showDead();
    this.showMinutes();
  }

  showProcesses() {
    const { value, words } = COLUMNS.find(({ key }) => key === order.key);
    const sign = order.down ? -1 : 1;
    const compare = (one, other) => {
      const [a, b] = [value(one), value(other)];
      return sign * (words ? String(a).localeCompare(b) : (a ?? -1) - (b ?? -1)) || one.pid - other.pid;
    };
    [...this.processes.tHead.rows[0].cells].forEach((title, index) => {
      const chosen = COLUMNS[index].key === order.key;
      if (chosen) title.setAttribute("aria-sort", order.down ? "descending" : "ascending");
      else title.removeAttribute("aria-sort");
    });
    rows(this.processes, [...this.pools].sort(compare).map((pool) => element("tr", "", ...COLUMNS.map((column) => {
      const found = column.value(pool);
      const text = column.text(found);
      const className = column.words ? "words" : column.bad && found ? "bad" : found ? "" : "zero";
      const made = cell(column.key === "pid" ? "th" : "td", text, className);
      if (column.key === "pid") made.scope = "row";
      return made;
    }))), "no process");
    const totals = COLUMNS.map((column, index) => {
      const text = column.total ? column.text(this.pools.reduce((total, pool) => total + column.value(pool), 0)) : "";
      return index ? cell("td", text, column.words ? "words" : "") : Object.assign(cell("th", "All"), { scope: "row" });
    });
    this.processes.tFoot.replaceChildren(element("tr", "", ...totals));
  }

  showCheckouts() {
    const longest = this.pools.filter((pool) => pool.longest).sort((a, b) => b.longest.seconds - a.longest.seconds);
    rows(this.checkouts, longest.map((pool) => element("tr", "",
      cell("td", String(pool.pid)),
      cell("td", duration(pool.longest.seconds)),
      cell("td", pool.longest.place, "words code"),
      cell("td", pool.longest.holder, "words"))), "nothing is checked out");
  }

  showDead() {
    const causes = new Map();
    const add = (cause, count) => count && causes.set(cause, (causes.get(cause) ?? 0) + count);
    for (const pool of this.pools) {
      for (const [cause, count] of Object.entries(pool.dropped)) add(cause, count);
      add("replaced by the driver", pool.replaced);
    }
    const found = [...causes].sort((a, b) => b[1] - a[1]);
    rows(this.dead, found.map(([cause, count]) => element("tr", "", cell("td", cause, "words"), cell("td", whole(count)))),
      "none");
  }

  showMinutes() {
    if (!this.minutes.open || !this.history) return;
    const each = this.history.busy.length / MINUTES;
    const found = Array.from({ length: MINUTES }, (_, minute) => element("tr", "",
      cell("td", clock(this.from + minute * each * this.period, true), "words"),
      ...MINUTE_COLUMNS.map(({ key, text }) => {
        const part = this.history[key].slice(minute * each, (minute + 1) * each);
        const counted = key === "timeouts" || key === "dead";
        const value = counted && part.some((one) => one !== null) ? part.reduce((a, b) => a + (b ?? 0), 0) : most(part);
        return cell("td", value === null ? "-" : text(value));
      })));
    rows(this.minutes.querySelector("table"), found.reverse(), "nothing");
  }
}

// The page.

function showTroubles({ pools, at }) {
  const found = [];
  const tell = (text) => found.push(element("p", "trouble", text));
  for (const name of unique(pools.map((pool) => pool.pool))) {
    const same = pools.filter((pool) => pool.pool === name);
    const away = same.filter((pool) => pool.outage_since !== null);
    if (away.length) {
      const since = Math.min(...away.map((pool) => pool.outage_since));
      tell(`Pool ${name}: the database has been unavailable for ${duration(Math.max(0, at - since))}, in ${away.length} of `
        + `${same.length} processes`);
    }
    for (const pool of same.filter((one) => one.silent)) {
      tell(`Pool ${name}: process ${pool.pid} stands still, no news for ${duration(at - pool.at)}`);
    }
    const counts = [["timeouts", "callers got no session in time"], ["leaks", "checkouts lasted longer than leak_threshold"],
      ["reclaimed", "connections were never closed"]];
    const told = counts.filter(([key]) => sum(same, key)).map(([key, text]) => `${sum(same, key)} ${text}`);
    if (told.length) found.push(element("p", "quiet", `Pool ${name}, since it was made: ${told.join(", ")}`));
  }
  const texts = (nodes) => [...nodes].map((node) => node.textContent).join("\n");
  // A screen reader tells what has changed: nothing, when it says the same.
  if (texts(found) !== texts(byId("troubles").children)) byId("troubles").replaceChildren(...found);
}

function showTotals(pools) {
  const totals = [["open", whole(sum(pools, "opened"))], ["busy", whole(sum(pools, "busy"))],
    ["idle", whole(sum(pools, "idle"))], ["waiting", whole(sum(pools, "waiting"))],
    ["checkouts/s", rate(sum(pools, "checkouts_per_second"))], ["processes", whole(unique(pools.map((pool) => pool.pid)).length)]];
  byId("totals").replaceChildren(...totals.map(([label, value]) => element("div", label === "waiting" && value !== "0" ? "bad" : "",
    element("dt", "", label), element("dd", "", value))));
}

function show(data) {
  latest = data;
  const { pools, history } = data;
  byId("application").textContent = data.application;
  byId("host").textContent = `on ${data.host}`;
  byId("version").textContent = `orapool ${data.orapool}`;
  byId("pid").textContent = data.pid;
  document.title = `${data.application}: pools on ${data.host}`;
  byId("nothing").hidden = pools.length > 0;
  byId("totals").hidden = pools.length === 0;
  showTotals(pools);
  showTroubles(data);
  const names = unique(pools.map((pool) => pool.pool)).sort();
  for (const [name, section] of sections) {
    if (!names.includes(name)) {
      section.root.remove();
      sections.delete(name);
    }
  }
  for (const name of names) {
    if (!sections.has(name)) sections.set(name, new Section(name));
    const section = sections.get(name);
    if (!section.root.isConnected) byId("pools").append(section.root);
    section.show(pools.filter((pool) => pool.pool === name), history.pools[name], history.from, history.period);
  }
  byId("state").textContent = `As of ${clock(data.at, true)}`;
  byId("state").classList.remove("bad");
}

async function ask() {
  const answer = await fetch("data.json", { cache: "no-store", signal: AbortSignal.timeout(PATIENCE) });
  if (answer.redirected || !answer.ok) {
    throw new Error(answer.redirected || answer.status === 401 || answer.status === 403
      ? "you may not look any more: log in again, and reload"
      : `the server answered with status ${answer.status}`);
  }
  return answer.json();
}

async function refresh() {
  clearTimeout(timer);
  if (asking || document.hidden) return;
  asking = true;
  try {
    show(await ask());
  } catch (error) {
    const when = latest ? `As of ${clock(latest.at, true)}` : "No numbers yet";
    byId("state").textContent = `${when}; ${error.message}`;
    byId("state").classList.add("bad");
  } finally {
    asking = false;
    timer = setTimeout(refresh, EVERY);
  }
}

document.addEventListener("visibilitychange", refresh);
refresh();
