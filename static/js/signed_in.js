// Warns before a sign-in ends, and then covers the page. What was typed stays in the memory of the page, never on a disk.
// When the same person has signed in again in another tab, the page comes back as it was. The server decides who is signed
// in and for how long (iopmanager/middleware/sign_in_limits.py). This script asks it.
(() => {
  "use strict";

  const source = document.getElementById("signed-in");
  if (!source) return;
  const settings = source.dataset;
  const seconds = (name) => Number(settings[name]) * 1000;
  const WARNING = seconds("warning"); // how long before the end the warning appears
  const NOTED_EVERY = seconds("notedEvery"); // the server notes activity no more often than this
  const PATIENCE = 5000; // how long to wait for the server
  const LONGEST_WAIT = 30_000; // timers stand still while the device sleeps, so look at the clock again after this time
  const root = document.documentElement;
  const channel = new BroadcastChannel("signed-in");

  // All times below are milliseconds since this script began, because the device's clock may be wrong or be set while the
  // page is open. performance.now() can't be set, but stands still in some browsers while the device sleeps.
  const [opened, started] = [Date.now(), performance.now()];
  const now = () => Math.max(Date.now() - opened, performance.now() - started);

  let endsAt = now() + seconds("secondsLeft");
  let activeAt = now(); // when the person last did something on this page
  let toldAt = now(); // when the server was last told about activity
  let askedAt = now(); // when the server last said how long the sign-in lasts
  let timer;
  let token = "";
  let dialog; // the warning, while it is shown
  let cover; // the cover, while it is shown, with what it replaces

  const part = (name) => source.content.querySelector(`[data-part="${name}"]`).cloneNode(true);

  // Ask the server who is signed in and for how long. Without an answer, nothing changes.
  const ask = async ({ isActive = false } = {}) => {
    if (isActive) toldAt = now();
    try {
      const answer = await fetch(settings.state + (isActive ? "?active=yes" : ""), {
        cache: "no-store",
        signal: AbortSignal.timeout(PATIENCE),
      });
      if (answer.ok) apply(await answer.json());
    } catch {
      // No connection
    }
  };

  const apply = (state) => {
    if (state.person === null) {
      hide(state.ended);
    } else if (String(state.person) !== settings.person) {
      leave();
    } else {
      askedAt = now();
      endsAt = askedAt + state.seconds_left * 1000;
      token = state.csrf_token;
      if (cover) show();
      if (dialog && endsAt - now() > WARNING) dialog.close();
      schedule();
    }
  };

  // Somebody else is signed in now. Show nothing of the person before.
  const leave = () => {
    cover = undefined;
    document.body.replaceChildren();
    location.replace(settings.home);
  };

  const schedule = () => {
    clearTimeout(timer);
    if (cover) return;
    const next = dialog ? 1000 : Math.min(endsAt - WARNING - NOTED_EVERY - now(), LONGEST_WAIT);
    timer = setTimeout(look, Math.max(next, 250));
  };

  // Look at the clock. Other tabs may have prolonged the sign-in, so ask the server before warning and before covering.
  const look = async () => {
    clearTimeout(timer);
    if (cover) return;
    const left = () => endsAt - now();
    if (left() <= WARNING + NOTED_EVERY && now() - askedAt > NOTED_EVERY && !dialog) {
      await ask();
    }
    if (cover) return;
    if (left() <= 0) {
      await ask();
      if (!cover && left() <= 0) hide("idle");
    } else if (left() <= WARNING) {
      if (!dialog) warn();
      count(left());
    }
    schedule();
  };

  const warn = () => {
    dialog = part("warning");
    const focused = document.activeElement;
    dialog.querySelector("[name=csrfmiddlewaretoken]").value = token;
    dialog.querySelector("[data-stay]").addEventListener("click", () => stay());
    dialog.addEventListener("cancel", () => stay());
    dialog.addEventListener("close", () => {
      dialog?.remove();
      dialog = undefined;
      focused?.focus({ preventScroll: true });
    });
    document.body.append(dialog);
    dialog.showModal();
  };

  const stay = async () => {
    activeAt = now();
    await ask({ isActive: true });
    if (dialog && endsAt - now() > WARNING) dialog.close(); // at the end of a working day, the warning stays
    channel.postMessage("look");
  };

  // Count down. Screen readers hear it three times, not each second.
  const count = (left) => {
    const whole = Math.max(0, Math.ceil(left / 1000));
    dialog.querySelector("[data-clock]").textContent = `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
    const shown = whole > 60 ? "two-minutes" : whole > 30 ? "one-minute" : "half-minute";
    const place = dialog.querySelector("[data-when]");
    const text = dialog.querySelector(`[data-text="${shown}"]`).content.textContent.trim();
    if (place.textContent !== text) place.textContent = text;
  };

  // Take the page out of the document, so that nothing of it can be seen, reached or read aloud.
  const hide = (endedBy) => {
    if (cover) return;
    clearTimeout(timer);
    dialog?.close();
    const before = {
      title: document.title,
      look: root.className,
      focused: document.activeElement,
      scrolled: [scrollX, scrollY],
      content: document.createDocumentFragment(),
    };
    document.querySelectorAll("dialog[open]").forEach((each) => each.close());
    before.content.append(...document.body.childNodes);
    cover = before;
    const shown = part("cover");
    shown.querySelectorAll("[data-ended]").forEach((each) => { each.hidden = each.dataset.ended !== (endedBy ?? ""); });
    document.body.append(shown);
    document.title = settings.title;
    root.className = "js plain-page";
    shown.querySelector("h1").focus();
  };

  // Bring the page back as it was. The sign-in has made all CSRF tokens of the page invalid.
  const show = () => {
    const { title, look: className, focused, scrolled, content } = cover;
    cover = undefined;
    document.body.replaceChildren(content);
    document.title = title;
    root.className = className;
    document.querySelectorAll("input[name=csrfmiddlewaretoken]").forEach((each) => { each.value = token; });
    if (document.body.hasAttribute("hx-headers")) {
      document.body.setAttribute("hx-headers", JSON.stringify({ "X-CSRFToken": token }));
    }
    activeAt = toldAt = now();
    scrollTo(...scrolled);
    focused?.focus({ preventScroll: true });
  };

  // Typing, clicking and scrolling count as activity, even without a request. The server is told about activity at most
  // once per NOTED_EVERY, and not if the device has slept since the activity.
  let telling;
  const noteActivity = () => {
    if (dialog || cover) return;
    activeAt = now();
    telling ??= setTimeout(() => {
      telling = undefined;
      if (!dialog && !cover && now() - activeAt <= 2 * NOTED_EVERY) ask({ isActive: true });
    }, Math.max(0, toldAt + NOTED_EVERY - activeAt));
  };
  for (const name of ["keydown", "input", "pointerdown", "wheel", "touchmove"]) {
    addEventListener(name, noteActivity, { capture: true, passive: true });
  }

  // Other tabs say when somebody signs in, stays or signs out.
  channel.addEventListener("message", ({ data }) => {
    if (data === "signing-out") setTimeout(ask, 1000);
    else if (dialog || cover) ask();
  });
  addEventListener("submit", ({ target }) => {
    if (target.action === new URL(settings.signOut, location.href).href) channel.postMessage("signing-out");
  });
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "visible") ask();
  });
  addEventListener("focus", () => { if (cover) ask(); });
  document.addEventListener("signed-out", () => ask()); // app.js sends this when it gets the sign-in page instead of an answer

  // A browser that keeps the page in memory for the Back button shows nothing of it until the server has answered.
  addEventListener("pagehide", (event) => root.classList.toggle("left", event.persisted));
  addEventListener("pageshow", async (event) => {
    if (!event.persisted) return;
    if (now() >= endsAt) hide("idle");
    await ask();
    root.classList.remove("left");
  });

  channel.postMessage("look");
  schedule();
})();
