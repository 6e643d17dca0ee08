// Runs before the first paint, so that the page does not move later when something is shown or hidden.
(() => {
  "use strict";

  // The stylesheet shows controls that only work with JavaScript.
  document.documentElement.classList.add("js");

  // Times are in the site's time zone. Show the note about it only on devices in another time zone.
  const own = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const notes = document.getElementsByClassName("zone-note");
  new MutationObserver(() => {
    for (const note of notes) note.classList.toggle("differs", note.dataset.zone !== own);
  }).observe(document, { childList: true, subtree: true });
})();
