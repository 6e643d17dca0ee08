// Small improvements to pages. Every page works without JavaScript.
(() => {
  "use strict";

  // The words that this script shows are in data attributes of the body, in the language of the page.
  const texts = document.body.dataset;
  const SVG = "http://www.w3.org/2000/svg";
  const WAIT_UNTIL_SHOWN = 1000; // milliseconds; shorter waits show no progress bar

  const show = (id, shown) => {
    const element = document.getElementById(id);
    if (element) element.hidden = !shown;
  };

  // Show a message in the place where messages from the server are shown.
  const say = (words) => {
    const place = document.getElementById("messages");
    if (!place) return;
    const note = document.createElement("div");
    note.className = "toast-note tone-at-risk";
    const text = document.createElement("span");
    text.textContent = words;
    const dismiss = document.createElement("button");
    dismiss.type = "button";
    dismiss.className = "btn-dismiss";
    dismiss.dataset.dismiss = "";
    dismiss.setAttribute("aria-label", texts.dismissLabel);
    const cross = document.createElementNS(SVG, "svg");
    cross.setAttribute("class", "bi");
    cross.setAttribute("aria-hidden", "true");
    const use = document.createElementNS(SVG, "use");
    use.setAttribute("href", `${document.documentElement.dataset.icons}#x-lg`);
    cross.append(use);
    dismiss.append(cross);
    note.append(text, dismiss);
    place.append(note);
  };

  // Progress bar
  let waiting;
  const startWaiting = () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => show("progress", true), WAIT_UNTIL_SHOWN);
  };
  const stopWaiting = () => {
    clearTimeout(waiting);
    show("progress", false);
  };

  // Buttons that copy text
  const copy = async (button) => {
    const source = document.getElementById(button.dataset.copy.replace(/^#/, ""));
    if (!source) return;
    const text = source.value ?? source.textContent;
    try {
      await navigator.clipboard.writeText(text.trim());
    } catch {
      // Without HTTPS there is no clipboard API. Select the text and use the old copy command. If that fails too,
      // the user can still copy the selected text with the keyboard.
      if (source.select) source.select();
      else getSelection().selectAllChildren(source);
      if (!document.execCommand("copy")) return;
    }
    const before = button.innerHTML;
    button.textContent = texts.copied;
    setTimeout(() => { button.innerHTML = before; }, 2000);
  };

  // Ask for confirmation before an action that can't be undone.
  const ask = (form, submitter) => {
    const dialog = document.createElement("dialog");
    dialog.className = "confirm";
    const question = document.createElement("p");
    question.id = "confirm-question";
    question.textContent = form.dataset.confirm;
    dialog.setAttribute("aria-labelledby", question.id);
    const actions = document.createElement("div");
    actions.className = "form-actions";
    const yes = document.createElement("button");
    yes.type = "button";
    yes.className = "btn btn-primary";
    yes.textContent = (submitter?.textContent || texts.yes).trim();
    const no = document.createElement("button");
    no.type = "button";
    no.className = "btn btn-link";
    no.textContent = texts.notNow;
    actions.append(yes, no);
    dialog.append(question, actions);
    document.body.append(dialog);
    yes.addEventListener("click", () => {
      form.dataset.confirmed = "yes";
      dialog.close();
      form.requestSubmit(submitter ?? undefined);
    });
    no.addEventListener("click", () => dialog.close());
    dialog.addEventListener("close", () => dialog.remove());
    dialog.showModal();
  };

  // Listen in the capture phase, so that htmx doesn't send a form that has not been confirmed.
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.dataset.confirm && form.dataset.confirmed !== "yes") {
      event.preventDefault();
      event.stopImmediatePropagation();
      ask(form, event.submitter);
      return;
    }
    delete form.dataset.confirmed;
    startWaiting();
  }, true);

  document.addEventListener("click", (event) => {
    const dismiss = event.target.closest("[data-dismiss]");
    if (dismiss) {
      dismiss.parentElement.remove();
      document.getElementById("content")?.focus({ preventScroll: true }); // the button that had focus is gone
    }
    const button = event.target.closest("[data-copy]");
    if (button) copy(button);
    if (event.target.closest("[data-print]")) print();
    document.querySelectorAll("details.menu[open]").forEach((menu) => {
      if (!menu.contains(event.target)) menu.open = false;
    });
  });

  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    document.querySelectorAll("details.menu[open]").forEach((menu) => {
      menu.open = false;
      menu.querySelector("summary").focus();
    });
  });

  // Submit the form when one of these controls changes. Without JavaScript, users press the form's button.
  document.addEventListener("change", (event) => {
    if (event.target.closest("[data-submit]")) event.target.form.requestSubmit();
  });

  // Who leads can't assist, so the leader is not offered as an assistant. The server refuses it in any case.
  const leaveOutLeader = (form) => {
    form?.querySelectorAll('input[name="assistants"], [name="assistants"] > option').forEach((choice) => {
      choice.disabled = choice.value === form.elements.lead.value;
      (choice.closest(".form-check") ?? choice).hidden = choice.disabled;
    });
  };
  document.querySelectorAll('form:has([name="lead"])').forEach(leaveOutLeader);
  document.addEventListener("change", (event) => {
    if (event.target.name === "lead") leaveOutLeader(event.target.form);
  });

  // Called if the user has been signed out in the meantime. signed_in.js covers the page, so that nothing typed is lost.
  const showSignedOut = () => {
    if (document.getElementById("signed-in")) document.dispatchEvent(new Event("signed-out"));
    else location.reload();
  };

  // Load the parts of the page that are sent separately. If one can't be loaded, the link to it stays.
  document.querySelectorAll("[data-load]").forEach(async (part) => {
    try {
      const answer = await fetch(part.dataset.load);
      if (answer.redirected) showSignedOut();
      else if (answer.ok) part.innerHTML = await answer.text();
    } catch {
      // No connection
    }
    part.removeAttribute("data-load");
  });

  window.addEventListener("offline", () => show("offline", true));
  window.addEventListener("online", () => show("offline", false));
  window.addEventListener("pageshow", stopWaiting);

  document.addEventListener("htmx:beforeRequest", startWaiting);
  document.addEventListener("htmx:afterRequest", stopWaiting);
  document.addEventListener("htmx:sendError", () => say(texts.sendError));
  document.addEventListener("htmx:responseError", (event) => {
    const refused = event.detail.xhr.status === 403;
    say(refused ? texts.forbidden : texts.failed);
  });
  // When htmx replaces a part of the page, keep the <details> elements open that the user has opened.
  let opened = [];
  document.addEventListener("htmx:beforeSwap", (event) => {
    opened = [...event.detail.target.querySelectorAll("details[id][open]")].map((each) => each.id);
  });
  document.addEventListener("htmx:afterSwap", () => opened.forEach((id) => {
    const again = document.getElementById(id);
    if (again) again.open = true;
  }));
  // When htmx puts errors below their fields, tell screen readers which fields are wrong and which text says why.
  document.addEventListener("htmx:oobAfterSwap", ({ detail: { target } }) => {
    if (!target.id.endsWith("-wrong")) return;
    const describe = (field, ids) => field.setAttribute("aria-describedby", ids.join(" "));
    const described = (field) => (field.getAttribute("aria-describedby") ?? "").split(" ").filter((id) => id && id !== target.id);
    document.querySelectorAll(`[aria-describedby~="${target.id}"]`).forEach((field) => {
      field.removeAttribute("aria-invalid");
      describe(field, described(field));
    });
    target.querySelectorAll("[data-field]").forEach((error) => {
      for (const field of document.getElementsByName(error.dataset.field)) {
        field.setAttribute("aria-invalid", "true");
        describe(field, [...described(field), target.id]);
      }
    });
  });
  // Browsers ignore autofocus in content that htmx swaps in. They also ignore it after a refused form if the address has a fragment.
  const focusErrors = (root) => root.querySelector(".error-summary")?.focus();
  focusErrors(document);
  document.addEventListener("htmx:load", (event) => focusErrors(event.target));
  // The address may still have the fragment of a link that was followed before a form was sent, such as #content.
  addEventListener("load", () => requestAnimationFrame(() => {
    const isAtStart = [document.body, document.getElementById("content")].includes(document.activeElement);
    if (isAtStart) document.querySelector("[autofocus]")?.focus();
  }));

  // If the user has been signed out in the meantime, the sign-in form must not appear inside the page.
  document.addEventListener("htmx:beforeSwap", (event) => {
    if (new URL(event.detail.xhr.responseURL || location.href).pathname.startsWith("/accounts/login")) {
      event.detail.shouldSwap = false;
      showSignedOut();
    }
  });
})();
