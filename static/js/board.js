// Draws the board as a calendar. Its texts are in the data attributes of #board. Times are in the site's time zone. FullCalendar treats them as UTC, so it never converts them.
// Dragging a session changes nothing yet: the server shows which patients are affected and asks for confirmation.
(() => {
  "use strict";

  const place = document.getElementById("board");
  const week = document.getElementById("board-week");
  if (!place) return;
  if (typeof FullCalendar === "undefined") { // The week that the server rendered as HTML stays.
    place.remove();
    week.classList.remove("without-js");
    return;
  }
  week.remove();

  const isNarrow = matchMedia("(max-width: 991px)").matches; // too narrow for seven columns: three days in place of a week
  const onPhone = matchMedia("(max-width: 767px)").matches;
  const VIEWS = { day: "timeGridDay", week: isNarrow ? "timeGridThreeDays" : "timeGridWeek", month: "dayGridMonth", list: "listWeek" };
  const STEPS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -15], ArrowDown: [0, 15] }; // days, minutes
  const MINUTE = 60_000;
  const DAY = 24 * 60 * MINUTE;
  const OPEN = [8, 20]; // the hours of the day that are always shown

  const { h } = FullCalendar.Preact;
  const title = document.getElementById("board-title");
  const announcement = document.getElementById("board-shown");
  const status = document.getElementById("board-status");
  const moveForm = document.getElementById("board-move");
  const filter = document.getElementById("board-filter");
  const printLink = document.getElementById("board-print");
  const newLink = document.getElementById("board-new");
  const chosen = () => [...filter.querySelectorAll("select")].filter((each) => each.value).map((each) => [each.name, each.value]);
  const say = (words) => { status.textContent = words; };

  // The text with this name, with its values filled in
  const text = (name, values = {}) =>
    place.getAttribute(`data-text-${name}`).replace(/\{(\w+)\}/g, (_match, key) => values[key]);

  // Dates and times as text, in the language of the page
  const language = document.documentElement.lang || "en";
  const formatter = (options) => {
    const format = new Intl.DateTimeFormat(language, { timeZone: "UTC", ...options });
    return (moment) => format.format(moment);
  };
  const shortDay = formatter({ weekday: "short", month: "short", day: "numeric" });
  const shortDayWithYear = formatter({ weekday: "short", month: "short", day: "numeric", year: "numeric" });
  const longDay = formatter({ weekday: "long", month: "long", day: "numeric", year: "numeric" });
  const month = formatter({ month: "long", year: "numeric" });
  // A column's header: the weekday and the date, which a narrow column shows below each other
  const headerFormat = new Intl.DateTimeFormat(language, { timeZone: "UTC", weekday: "short", month: onPhone ? "numeric" : "short", day: "numeric" });
  const dayHeader = (moment) => {
    const parts = headerFormat.formatToParts(moment);
    const weekday = parts.findIndex(({ type }) => type === "weekday");
    if (weekday !== 0) return headerFormat.format(moment); // in this language, the weekday isn't first
    const rest = parts.slice(2).map(({ value }) => value).join("");
    return h("span", { className: "board-day" }, [h("span", {}, parts[0].value), h("span", { className: "board-day-comma" }, parts[1].value), h("span", {}, rest)]);
  };
  const dated = (moment, year = new Date().getFullYear()) => (moment.getUTCFullYear() === year ? shortDay : shortDayWithYear)(moment);
  const has24Hours = place.hasAttribute("data-hour-24");
  const half = (moment) => text(moment.getUTCHours() < 12 ? "am" : "pm");
  const digits = (moment) => {
    const hour = moment.getUTCHours();
    return `${has24Hours ? hour : hour % 12 || 12}:${String(moment.getUTCMinutes()).padStart(2, "0")}`;
  };
  const time = (moment) => (has24Hours ? digits(moment) : `${digits(moment)} ${half(moment)}`);
  const startTime = (start, end) => (half(start) === half(end) ? digits(start) : time(start)); // "9:00" in "9:00–11:30 AM"
  const times = (start, end) => `${startTime(start, end)}–${time(end)}`;
  const hourTick = (moment) => (has24Hours ? digits(moment) : `${moment.getUTCHours() % 12 || 12} ${half(moment)}`);
  const iso = (moment) => moment.toISOString().slice(0, 10);
  const isoTime = (moment) => moment.toISOString().slice(11, 16);
  const rangeTitle = ({ view }) => {
    const first = view.currentStart;
    const last = new Date(view.currentEnd - DAY);
    if (view.type === VIEWS.month) return month(first);
    if (view.type === VIEWS.day) return dated(first);
    return `${dated(first, last.getUTCFullYear())} – ${dated(last)}`;
  };
  const siteNow = () => new Intl.DateTimeFormat("sv-SE", { timeZone: place.dataset.zone, dateStyle: "short", timeStyle: "medium" })
    .format(new Date()).replace(" ", "T");

  // The session that the user is moving with the keyboard, until it is submitted to the server
  let pending = null;

  const load = async ({ start, end }) => {
    const until = new Date(Math.ceil(end / DAY) * DAY);
    const query = new URLSearchParams([...chosen(), ["start", iso(start)], ["end", iso(until)]]);
    const answer = await fetch(`${place.dataset.source}?${query}`, { headers: { Accept: "application/json" }, cache: "no-store" });
    if (!answer.ok || answer.redirected) throw new Error(answer.statusText);
    const rows = (await answer.json()).flatMap(asEvents);
    if (status.dataset.failed) {
      delete status.dataset.failed;
      say("");
    }
    if (!pending) return rows;
    return [...rows.filter((row) => row.id !== pending.row.id), { ...pending.row, start: pending.start, end: pending.end }];
  };

  // A closure becomes two events: one shades its days, and one shows the reason above them.
  const asEvents = (row) => row.kind === "closure"
    ? [{ ...row, title: "" }, { ...row, id: `${row.id}-note`, title: text("closed", { reason: row.title }), display: "auto", className: "board-closed" }]
    : [row];

  const showHours = (rows) => {
    const timed = rows.filter((row) => !row.allDay && row.start && row.end);
    const first = Math.min(OPEN[0], ...timed.map((row) => row.start.getUTCHours()));
    const last = Math.max(OPEN[1], ...timed.map((row) => Math.ceil((row.end - Math.floor(row.start / DAY) * DAY) / (60 * MINUTE))));
    const from = `${String(first).padStart(2, "0")}:00`;
    const until = `${String(Math.min(last, 24)).padStart(2, "0")}:00`;
    if (calendar.getOption("slotMinTime") !== from) calendar.setOption("slotMinTime", from);
    if (calendar.getOption("slotMaxTime") !== until) calendar.setOption("slotMaxTime", until);
  };

  // The content of a session's box
  const content = ({ event }) => {
    const facts = event.extendedProps;
    if (facts.kind !== "session") return event.title;
    const marks = facts.tracks.map((track) => h("b", { className: `track-mark track-${track.colour}`, title: track.name }, track.letters));
    const where = [facts.where, facts.leads].filter(Boolean).join(", ");
    return h("span", { className: "board-event" }, [
      h("span", { className: "board-event-time" }, [
        ...marks,
        h("span", { className: "nowrap" }, [
          ` ${digits(event.start)}`,
          has24Hours ? "" : h("span", { className: half(event.start) === half(event.end) ? "board-event-half" : "" }, ` ${half(event.start)}`), // hidden in "9:00–11:30 AM"
          h("span", { className: "board-event-until" }, "–"),
        ]),
        h("span", { className: "nowrap board-event-until" }, time(event.end)),
      ]),
      " ",
      h("span", { className: "board-event-name" }, event.title),
      h("span", { className: "board-event-more" }, ` ${where}`),
      h("span", { className: "board-event-more" }, ` ${facts.state}`),
    ]);
  };

  const classes = ({ event, view }) => {
    const facts = event.extendedProps;
    if (facts.kind !== "session") return `board-note-event board-${facts.kind}`;
    return ["board-session", `board-in-${view.type}`, `track-${facts.tracks[0]?.colour ?? "none"}`, facts.status === "cancelled" ? "is-cancelled" : ""].join(" ");
  };

  // Moving sessions
  const putToServer = (event, start, end) => {
    const facts = event.extendedProps;
    moveForm.action = facts.move_url;
    const values = { on: iso(start), starts: isoTime(start), ends: isoTime(end), room: facts.room_id ?? "", next: here() };
    for (const [name, value] of Object.entries(values)) moveForm.elements[name].value = value;
    moveForm.requestSubmit();
  };
  const here = () => location.pathname + location.search;
  const withinOneDay = (start, end) => iso(start) === iso(end);

  // Keep the focus on a moved session. It is redrawn in another place, perhaps only after another week has been loaded.
  let wanted = "";
  const focusOn = (id) => {
    wanted = id;
    requestAnimationFrame(() => place.querySelector(`[data-session="${id}"]`)?.focus());
  };

  const shift = (event, [days, minutes]) => {
    if (pending && pending.row.id !== event.id) putBack();
    const move = days * DAY + minutes * MINUTE;
    const start = new Date(event.start.getTime() + move);
    const end = new Date(event.end.getTime() + move);
    if (!withinOneDay(start, end)) return;
    pending ??= { row: { ...event.toPlainObject({ collapseExtendedProps: true }) }, from: [event.start, event.end] };
    pending.start = start;
    pending.end = end;
    event.setDates(start, end);
    const { currentStart, currentEnd } = calendar.view;
    if (start < currentStart || start >= currentEnd) calendar.gotoDate(start);
    say(text("pending", { session: event.title, on: dated(start), times: times(start, end) }));
    focusOn(event.id);
  };

  const putBack = () => {
    const { row, from } = pending;
    pending = null;
    calendar.getEventById(row.id)?.setDates(...from);
    calendar.gotoDate(from[0]);
    calendar.refetchEvents();
    say(text("restored", { session: row.title }));
    focusOn(row.id);
  };

  document.addEventListener("focusin", ({ target }) => {
    if (target.dataset.session !== wanted) wanted = "";
  });

  place.addEventListener("keydown", (key) => {
    const event = calendar.getEventById(key.target.closest("[data-session]")?.dataset.session ?? "");
    if (!event || !moveForm) return;
    const step = key.altKey ? STEPS[key.key] : undefined;
    const asks = key.key.toLowerCase() === "m" && !key.altKey && !key.ctrlKey && !key.metaKey;
    const decides = pending?.row.id === event.id && (key.key === "Enter" || key.key === "Escape");
    if (!step && !asks && !decides) return;
    key.preventDefault();
    key.stopPropagation();
    if (decides && key.key === "Enter") putToServer(event, pending.start, pending.end);
    else if (decides) putBack();
    else if (!event.extendedProps.move_url) say(text("fixed", { session: event.title }));
    else if (asks) location.assign(`${event.extendedProps.move_url}?next=${encodeURIComponent(here())}`);
    else shift(event, step);
  }, true);

  // Write the current view and date to the URL, the filter form and the links.
  const remember = (info) => {
    const view = Object.keys(VIEWS).find((name) => VIEWS[name] === info.view.type);
    const date = iso(calendar.getDate());
    const query = new URLSearchParams([["date", date], ["view", view], ...chosen()]);
    history.replaceState(history.state, "", `?${query}`);
    filter.elements.date.value = date;
    filter.elements.view.value = view;
    printLink.search = `?${new URLSearchParams([["week", date], ...chosen()])}`;
    if (newLink) newLink.search = `?${new URLSearchParams([["on", date], ["next", here()]])}`;
    title.textContent = rangeTitle(info);
    nameSteps(info.view.type);
    place.dataset.shown = view;
    document.querySelectorAll("button[data-view]").forEach((button) => {
      const isShown = button.dataset.view === view;
      button.setAttribute("aria-pressed", String(isShown));
      if (isShown) announcement.textContent = text("shown", { view: button.textContent.trim(), title: title.textContent });
    });
  };
  // Name the arrows after what they show next, such as "Next month".
  const nameSteps = (type) => {
    const key = { [VIEWS.day]: "day", [VIEWS.month]: "month", timeGridThreeDays: "days" }[type] ?? "week";
    document.querySelectorAll("[data-step] [data-week]").forEach((name) => { name.textContent = name.dataset[key]; });
  };

  const quarterHour = ({ date }) => (date?.getUTCMinutes() % 30 ? "board-quarter" : "");
  const calendar = new FullCalendar.Calendar(place, {
    timeZone: "UTC",
    now: siteNow,
    locale: language,
    firstDay: Number(place.dataset.firstDay),
    initialDate: place.dataset.date,
    initialView: VIEWS[place.dataset.view] ?? (isNarrow ? VIEWS.list : VIEWS.week),
    headerToolbar: false,
    height: "auto",
    fixedWeekCount: false,
    nowIndicator: true,
    nowIndicatorLineClass: "board-now",
    slotMinTime: "08:00",
    slotMaxTime: "20:00",
    slotDuration: "00:15", // sessions move in these steps; with larger slots a dragged session would not stay under the pointer
    slotMinHeight: 15,
    slotHeaderInterval: "01:00",
    slotLaneClass: quarterHour,
    slotHeaderClass: quarterHour,
    slotHeaderInnerClass: "board-hour",
    slotHeaderContent: ({ date }) => hourTick(date),
    slotEventOverlap: false,
    eventMaxStack: onPhone ? 2 : 4, // more sessions at one time are behind a link
    allDayText: text("all-day"),
    timedText: text("timed"),
    eventsHint: text("events"),
    moreLinkText: (number) => text("more", { number }),
    moreLinkHint: (number) => text("more-hint", { number }),
    closeHint: text("close"),
    dayHeaderContent: ({ date, text: weekday, view }) => (view.type === VIEWS.month ? weekday : dayHeader(date)),
    navLinks: true,
    navLinkHint: (_date, moment) => text("go-to", { on: longDay(moment) }),
    navLinkDayClick: (date) => calendar.changeView(VIEWS.day, date),
    views: {
      timeGridThreeDays: { type: "timeGrid", duration: { days: 3 } },
      dayGridMonth: { dayHeaderFormat: { weekday: "short" }, dayMaxEvents: 6 },
    },
    listDayFormat: { weekday: "long", month: "long", day: "numeric" },
    listDayHeaderInnerClass: ({ level }) => (level ? "board-date-again" : ""), // `listDayAltFormat: false` doesn't remove it
    noEventsText: text("nothing"),
    events: load,
    eventsSet: showHours,
    loading: (isLoading) => {
      if (!isLoading) requestAnimationFrame(() => { place.dataset.drawn = ""; });
    },
    eventSourceFailure: () => {
      status.dataset.failed = "yes";
      say(text("failed"));
    },
    eventContent: content,
    eventClass: classes,
    eventDidMount: ({ el, event, isMirror, view }) => {
      if (!isMirror && event.extendedProps.kind === "session") {
        el.dataset.session = event.id;
        el.title = [event.title, times(event.start, event.end), event.extendedProps.where, event.extendedProps.leads].filter(Boolean).join(" · ");
        if (event.id === wanted) el.focus();
      }
      if (view.type === VIEWS.list) { // without FullCalendar's role, screen readers announce the link as a link
        el.removeAttribute("role");
        el.parentElement.setAttribute("role", "group");
      }
    },
    eventAllow: (span, event) => span.allDay === event.allDay && withinOneDay(span.start, new Date(span.end - 1)),
    eventDrop: ({ event }) => putToServer(event, event.start, event.end),
    eventResize: ({ event }) => putToServer(event, event.start, event.end),
    // Let screen readers read the headers of columns and rows.
    dayHeaderDidMount: ({ el, date, view }) => {
      el.querySelector("[aria-hidden]")?.removeAttribute("aria-hidden");
      if (view.type !== VIEWS.month) el.setAttribute("aria-label", longDay(date));
    },
    dayCellDidMount: ({ el, date }) => el.setAttribute("aria-label", longDay(date)),
    viewDidMount: ({ el }) => el.querySelectorAll('[role="rowheader"]:empty').forEach((cell) => cell.setAttribute("role", "gridcell")),
    datesSet: remember,
  });
  calendar.render();

  // Let the browser show that a button was pressed before the calendar is drawn again, which takes longer.
  const afterNextFrame = (draw) => requestAnimationFrame(() => setTimeout(draw));
  document.querySelectorAll("[data-step]").forEach((link) => link.addEventListener("click", (click) => {
    click.preventDefault();
    afterNextFrame(() => calendar[link.dataset.step]());
  }));
  document.querySelectorAll("button[data-view]").forEach((button) => button.addEventListener("click", () => {
    document.querySelectorAll("button[data-view]").forEach((each) => each.setAttribute("aria-pressed", String(each === button)));
    afterNextFrame(() => calendar.changeView(VIEWS[button.dataset.view]));
  }));
  // When the user comes back from the confirmation page, load the sessions again, because they may have moved.
  addEventListener("pageshow", (event) => {
    if (!event.persisted) return;
    pending = null;
    say("");
    calendar.refetchEvents();
  });
})();
