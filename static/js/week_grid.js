// A grid on which users paint the busy times of a week. Each painted range fills in one of the rows below the grid, and only
// the rows are submitted. Columns are days and lines are half hours. A column continues past midnight, so that a night shift
// is one range. Its texts are in the data attributes of #life-grid.
(() => {
  "use strict";

  const place = document.getElementById("life-grid");
  const list = document.getElementById("life-rows");
  if (!place || !list) return;

  // The text with this name, with its values filled in
  const text = (name, values = {}) =>
    place.getAttribute(`data-text-${name}`).replace(/\{(\w+)\}/g, (_match, key) => values[key]);

  // Names of weekdays, Monday first, in the language of the page
  const language = document.documentElement.lang || "en";
  const weekdays = (width) => {
    const format = new Intl.DateTimeFormat(language, { timeZone: "UTC", weekday: width });
    return [0, 1, 2, 3, 4, 5, 6].map((day) => format.format(Date.UTC(2026, 10, 23 + day)));
  };
  const DAYS = weekdays("long");
  const SHORT_DAYS = weekdays("short");
  const SLOT = 30; // minutes
  const DAY = 24 * 60;
  const SLOTS = 72; // 36 hours, until noon of the next day
  const FIRST_SHOWN = 10; // the line of 5:00; users scroll up for earlier times
  const LONG_PRESS = 400; // milliseconds
  const STILL = 10; // pixels; a finger that moves less is holding still
  const STEPS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1], PageUp: [0, -4], PageDown: [0, 4], Home: [-6, 0], End: [6, 0] };

  const status = document.getElementById("life-status");
  const template = document.getElementById("life-row");
  const total = list.querySelector('[name$="-TOTAL_FORMS"]');
  const most = Number(list.querySelector('[name$="-MAX_NUM_FORMS"]').value);
  const others = JSON.parse(place.dataset.blocks);
  const say = (words) => { status.textContent = words.charAt(0).toUpperCase() + words.slice(1); };
  const listed = (names) => new Intl.ListFormat(language).format(names);
  const clock24 = (minute) => `${Math.floor((minute % DAY) / 60)}:${String(minute % 60).padStart(2, "0")}`;
  const has24Hours = place.hasAttribute("data-hour-24");
  const half = (minute) => text(minute % DAY < DAY / 2 ? "am" : "pm");
  const hour12 = (minute) => Math.floor((minute % DAY) / 60) % 12 || 12;
  const clock = (minute) => (has24Hours ? clock24(minute) : `${hour12(minute)}:${String(minute % 60).padStart(2, "0")} ${half(minute)}`);
  const tick = (minute) => (has24Hours || minute % 60 ? clock(minute) : `${hour12(minute)} ${half(minute)}`);
  const make = (name, attributes = {}) => {
    const element = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    return element;
  };

  // Build the grid.
  const table = make("table", { role: "grid", class: "life-table", "aria-label": text("grid"), "aria-multiselectable": "true" });
  const cells = DAYS.map(() => []);
  const head = make("tr", { role: "row" });
  head.append(make("td"));
  DAYS.forEach((day, number) => {
    const title = make("th", { scope: "col", role: "columnheader" });
    const short = make("abbr", { title: day });
    short.textContent = SHORT_DAYS[number];
    title.append(short);
    head.append(title);
  });
  table.append(make("thead", { role: "rowgroup" }));
  table.tHead.append(head);
  const body = make("tbody", { role: "rowgroup" });
  for (let slot = 0; slot < SLOTS; slot++) {
    const line = make("tr", { role: "row" });
    if (slot % 2 === 0) line.className = "is-hour";
    if (slot === DAY / SLOT) line.className = "is-hour is-midnight";
    const time = make("th", { scope: "row", role: "rowheader" });
    const words = make("span", slot % 2 ? { class: "visually-hidden" } : {});
    words.textContent = tick(slot * SLOT);
    time.append(words);
    line.append(time);
    DAYS.forEach((_, day) => {
      const cell = make("td", { role: "gridcell", tabindex: "-1" });
      Object.assign(cell, { day, line: slot });
      cells[day].push(cell);
      line.append(cell);
    });
    body.append(line);
  }
  table.append(body);
  place.append(table);

  let current = cells[0][18];
  const go = (cell) => {
    current.tabIndex = -1;
    current = cell;
    current.tabIndex = 0;
  };
  go(current);

  // Read the rows below the grid.
  const minuteOf = (text) => {
    const found = /^(\d{1,2}):(\d{2})/.exec(text);
    return found ? Number(found[1]) * 60 + Number(found[2]) : null;
  };
  const field = (row, name) => row.querySelector(`[name$="-${name}"]`);
  const boxes = (row) => [...row.querySelectorAll('[name$="-weekdays"]')];
  const rows = () => [...list.querySelectorAll(".life-row")].map((row) => ({
    row,
    days: boxes(row).filter((box) => box.checked).map((box) => Number(box.value)),
    starts: minuteOf(field(row, "starts").value),
    ends: minuteOf(field(row, "ends").value),
    label: field(row, "label").value || field(row, "kind").selectedOptions[0].text,
    isOut: field(row, "DELETE").checked,
    isBlank: !field(row, "commitment").value && !field(row, "label").value && !field(row, "starts").value
      && !field(row, "ends").value && !boxes(row).some((box) => box.checked),
  }));
  const length = ({ starts, ends }) => (starts === ends && starts !== 0 ? 0 : ((ends - starts - 1 + DAY) % DAY) + 1);

  // The hours after midnight are shown twice: at the end of one day's column and at the start of the next.
  const mark = (day, starts, ends, label, kind) => {
    for (const shift of [-1, 0, 1]) {
      const from = starts - shift * DAY;
      const until = ends - shift * DAY;
      const column = cells[(day + shift + 7) % 7];
      const first = Math.max(0, Math.floor(from / SLOT));
      for (let slot = first; slot < SLOTS && slot * SLOT < until; slot++) {
        const cell = column[slot];
        cell.labels.push(label);
        cell.classList.add(shift === 0 || kind === "is-other" ? kind : "is-shadow");
        if (slot === first && shift === 0) {
          cell.textContent = label;
          cell.classList.add("is-first");
        }
      }
    }
  };
  const draw = () => {
    cells.flat().forEach((cell) => {
      cell.labels = [];
      cell.textContent = "";
      cell.className = "";
    });
    others.forEach((block) => mark(block.day, block.starts, block.ends, block.label, "is-other"));
    rows().forEach((each) => {
      if (each.isOut || each.starts === null || each.ends === null) return;
      each.days.forEach((day) => mark(day, each.starts, each.starts + length(each), each.label, "is-busy"));
    });
    cells.flat().forEach((cell) => {
      cell.setAttribute("aria-label", `${startWords(cell)}, ${listed([...new Set(cell.labels)]) || text("free")}`);
    });
    paint();
  };

  // The range that is being painted, given by two opposite corners
  let start = null;
  let end = null;
  const span = () => {
    const first = Math.min(start.line, end.line);
    const longest = (first * SLOT) % DAY === 0 ? DAY / SLOT : DAY / SLOT - 1;
    return {
      days: DAYS.map((_, day) => day).filter((day) => day >= Math.min(start.day, end.day) && day <= Math.max(start.day, end.day)),
      first,
      last: Math.min(Math.max(start.line, end.line), first + longest - 1),
    };
  };
  const paint = () => {
    const chosen = start && span();
    cells.flat().forEach((cell) => {
      const isIn = Boolean(chosen) && chosen.days.includes(cell.day) && cell.line >= chosen.first && cell.line <= chosen.last;
      cell.classList.toggle("is-chosen", isIn);
      cell.setAttribute("aria-selected", String(isIn));
    });
  };
  const words = ({ days, first, last }) => text("range", {
    days: days.map((day) => DAYS[day]).join(", "), starts: clock(first * SLOT), ends: clock((last + 1) * SLOT),
  });
  const startWords = (cell) => `${DAYS[(cell.day + Math.floor((cell.line * SLOT) / DAY)) % 7]} ${clock(cell.line * SLOT)}`;
  const begin = (cell) => {
    start = end = cell;
    paint();
  };
  const stretch = (cell) => {
    end = cell;
    paint();
  };
  const forget = () => {
    start = end = null;
    paint();
  };
  const finish = () => {
    const done = span();
    forget();
    keep(done);
  };

  // Add the painted days to the row with the same times, or fill in a new row.
  const blankRow = () => {
    const blank = rows().find((each) => each.isBlank)?.row ?? newRow();
    if (blank) blank.hidden = false;
    return blank;
  };
  const newRow = () => {
    const number = Number(total.value);
    if (number >= most) return null;
    const holder = make("div");
    holder.innerHTML = template.innerHTML.replaceAll("__prefix__", String(number));
    const row = holder.querySelector(".life-row");
    list.append(row);
    total.value = String(number + 1);
    return row;
  };
  const keep = ({ days, first, last }) => {
    const later = first * SLOT >= DAY ? 1 : 0;
    const starts = first * SLOT - later * DAY;
    const ends = ((last + 1) * SLOT - later * DAY) % DAY;
    const on = days.map((day) => (day + later) % 7);
    const alike = rows().find((each) => !each.isOut && each.starts === starts && each.ends === ends);
    const row = alike?.row ?? blankRow();
    if (!row) {
      say(text("full"));
      return;
    }
    if (!alike) {
      field(row, "starts").value = clock24(starts).padStart(5, "0");
      field(row, "ends").value = clock24(ends).padStart(5, "0");
    }
    boxes(row).forEach((box) => { if (on.includes(Number(box.value))) box.checked = true; });
    say(text("added", { range: words({ days, first, last }) }));
    draw();
  };
  const clear = (cell) => {
    const minute = cell.line * SLOT;
    const hit = rows().find((each) => !each.isOut && each.starts !== null && each.ends !== null && each.days.some((day) => {
      const from = each.starts + ((day - cell.day + 7) % 7) * DAY;
      return [from, from - 7 * DAY].some((begins) => begins <= minute && minute < begins + length(each));
    }));
    if (!hit) return;
    const day = hit.days.find((each) => {
      const from = hit.starts + ((each - cell.day + 7) % 7) * DAY;
      return [from, from - 7 * DAY].some((begins) => begins <= minute && minute < begins + length(hit));
    });
    boxes(hit.row).forEach((box) => { if (Number(box.value) === day) box.checked = false; });
    if (hit.days.length === 1) field(hit.row, "DELETE").checked = true;
    say(text("cleared", { commitment: hit.label, day: DAYS[day] }));
    draw();
  };

  // Keyboard
  place.addEventListener("keydown", (key) => {
    if (!key.target.closest("td[tabindex]") || key.ctrlKey || key.metaKey || key.altKey) return;
    const step = STEPS[key.key];
    if (step) {
      const [days, slots] = step;
      const day = Math.min(6, Math.max(0, current.day + days));
      const slot = Math.min(SLOTS - 1, Math.max(0, current.line + slots));
      if (key.shiftKey && !start) begin(current);
      go(cells[day][slot]);
      current.focus();
      if (start) {
        stretch(current);
        say(text("stretched", { range: words(span()) }));
      }
    } else if (key.key === " " || key.key === "Enter") {
      if (start) finish();
      else {
        begin(current);
        say(text("started-with-keys", { start: startWords(current) }));
      }
    } else if (key.key === "Escape" && start) {
      forget();
      say(text("canceled"));
    } else if (key.key === "Delete" || key.key === "Backspace") clear(current);
    else return;
    key.preventDefault();
  });
  place.addEventListener("focusin", ({ target }) => {
    const cell = target.closest("td[tabindex]");
    if (cell) go(cell);
  });

  // Mouse: drag, or click the start and the end. Touch: tap the start and the end, or press long and drag.
  let drags = false;
  let press = null;
  const cellAt = ({ clientX, clientY }) => document.elementFromPoint(clientX, clientY)?.closest("#life-grid td[tabindex]");
  const scrollAtTheEdge = ({ clientY }) => {
    const { top, bottom } = place.getBoundingClientRect();
    if (clientY > bottom - 24) place.scrollTop += 12;
    else if (clientY < top + 48) place.scrollTop -= 12;
  };
  const ask = (cell) => say(text("started", { start: startWords(cell) }));
  const choose = (cell) => {
    if (start) {
      stretch(cell);
      finish();
    } else {
      begin(cell);
      ask(cell);
    }
  };

  place.addEventListener("pointerdown", (event) => {
    const cell = event.target.closest("td[tabindex]");
    if (!cell || event.button !== 0) return;
    if (event.pointerType === "touch") {
      press = { cell, x: event.clientX, y: event.clientY };
      press.timer = setTimeout(() => {
        drags = true;
        begin(cell);
        say(text("held"));
      }, LONG_PRESS);
      return;
    }
    event.preventDefault();
    cell.focus();
    if (start) choose(cell);
    else {
      drags = true;
      begin(cell);
    }
  });
  addEventListener("pointermove", (event) => {
    if (press && !drags && Math.hypot(event.clientX - press.x, event.clientY - press.y) > STILL) {
      clearTimeout(press.timer);
      press = null;
    }
    if (!drags) return;
    scrollAtTheEdge(event);
    const cell = cellAt(event);
    if (cell && cell !== end) stretch(cell);
  });
  addEventListener("pointerup", (event) => {
    if (press) {
      clearTimeout(press.timer);
      if (!drags) choose(press.cell);
      else finish();
    } else if (drags) {
      if (end === start) ask(start);
      else finish();
    }
    drags = false;
    press = null;
  });
  addEventListener("pointercancel", () => {
    if (press) clearTimeout(press.timer);
    if (drags) forget();
    drags = false;
    press = null;
  });
  // Painting with a finger must not scroll the page.
  place.addEventListener("touchmove", (event) => { if (drags) event.preventDefault(); }, { passive: false });
  place.addEventListener("contextmenu", (event) => { if (press) event.preventDefault(); });

  list.addEventListener("input", draw);
  document.getElementById("life-add").addEventListener("click", () => {
    const row = [...list.querySelectorAll(".life-row")].find((each) => each.hidden) ?? newRow();
    if (!row) return;
    row.hidden = false;
    field(row, "label").focus();
  });
  rows().forEach(({ row, isBlank }) => { row.hidden = isBlank && !row.querySelector(".is-invalid, .invalid-feedback"); });
  draw();
  place.scrollTop = cells[0][FIRST_SHOWN].offsetTop - table.tHead.offsetHeight;
})();
