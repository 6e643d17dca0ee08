// Builds var/vendor/bootstrap/bootstrap.min.css: the rules of Bootstrap whose classes and elements are in use.
//
// A class is in use if its whole name is a word in one of the files below. A name that is put together when a page is
// rendered, such as "btn-{{ kind }}", is not found: write whole names.
import { globSync, writeFileSync } from "node:fs";
import { PurgeCSS } from "purgecss";

const packages = ".venv/lib/python*/site-packages";
const crispy = `${packages}/crispy_bootstrap5/templates/bootstrap5`;
const content = [
  "templates/**/*.html",
  "{accounts,attendance,clinic_import,iopmanager,patients,scheduling,timekeeping}/**/*.py",
  "static/js/*.js",
  // What Django and crispy-forms write for a form: its fields with their help and errors, in rows and columns
  `${packages}/django/forms/templates/django/forms/widgets/*.html`,
  `${packages}/crispy_forms/templatetags/*.py`,
  `${crispy}/{field,inputs,display_form,uni_form,uni_formset,whole_uni_form,whole_uni_formset}.html`,
  `${crispy}/layout/{attrs,column,div,row}.html`,
  `${crispy}/layout/{checkboxselectmultiple_inline,radio_checkbox_select,radioselect_inline}.html`,
  `${crispy}/layout/{field_errors,field_errors_block,help_text,help_text_and_errors}.html`,
];
const bootstrap = "node_modules/bootstrap/dist/css/bootstrap.min.css";

for (const pattern of content) {
  if (globSync(pattern).length === 0) throw new Error(`No file is at ${pattern}: correct it in bin/build-bootstrap.mjs.`);
}
const purged = await new PurgeCSS().purge({
  content,
  css: [bootstrap, "static/css/*.css"], // the project's own rules use variables of Bootstrap
  defaultExtractor: (text) => text.match(/[\w-]+/g) ?? [],
  variables: true,
  keyframes: true,
});
const rules = purged.find(({ file }) => file === bootstrap).css;
writeFileSync("var/vendor/bootstrap/bootstrap.min.css", rules.replace(/\/\*# sourceMappingURL=.*?\*\//, ""));
