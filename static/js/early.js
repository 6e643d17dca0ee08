// Runs before the first paint: lets the stylesheet show what only works with JavaScript.
document.documentElement.classList.add("js");
