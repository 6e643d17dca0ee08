// Runs before the first paint, so that the stylesheet can show controls that only work with JavaScript.
document.documentElement.classList.add("js");
