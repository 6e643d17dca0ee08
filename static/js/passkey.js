// Buttons that create or use a passkey. The script puts the passkey's answer into the field "credential" of the button's
// form, and sends the form. The passkey's options are in a JSON script, or come from the address in data-passkey-options.
(() => {
  "use strict";

  const options = async (button) => {
    if (!button.dataset.passkeyOptions) return JSON.parse(document.getElementById("passkey-options").textContent);
    const answer = await fetch(button.dataset.passkeyOptions, { headers: { Accept: "application/json" } });
    if (!answer.ok) throw new Error(answer.statusText);
    return answer.json();
  };

  const create = ({ publicKey }) => {
    const wanted = { residentKey: "required", requireResidentKey: true, userVerification: "required" };
    publicKey.authenticatorSelection = { ...publicKey.authenticatorSelection, ...wanted };
    return navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(publicKey) });
  };

  const get = ({ publicKey }) =>
    navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(publicKey) });

  const use = async (button) => {
    const note = document.getElementById("passkey-note");
    note.hidden = true;
    try {
      const given = await options(button);
      const passkey = await (given.creation_options ? create(given.creation_options) : get(given.request_options));
      button.form.elements.credential.value = JSON.stringify(passkey.toJSON());
      button.form.requestSubmit();
    } catch {
      note.hidden = false; // the person closed the browser's dialog, or the device has no passkey
    }
  };

  document.addEventListener("DOMContentLoaded", () => {
    const supported = Boolean(window.PublicKeyCredential?.parseCreationOptionsFromJSON);
    document.querySelectorAll("[data-passkey]").forEach((button) => {
      button.disabled = !supported;
      button.addEventListener("click", () => use(button));
    });
    const missing = document.getElementById("passkey-unsupported");
    if (missing) missing.hidden = supported;
  });
})();
