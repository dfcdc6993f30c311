// Copy buttons: <button data-copy="text"><span data-copy-label>Copy</span></button>.
// The clipboard is open to pages on https or localhost only; elsewhere the old command does it.
"use strict";

(function () {
    async function copy(text) {
        if (navigator.clipboard && window.isSecureContext) {
            await navigator.clipboard.writeText(text);
            return true;
        }
        const area = document.createElement("textarea");
        area.value = text;
        area.setAttribute("readonly", "");
        document.body.append(area);
        area.select();
        const copied = document.execCommand("copy");
        area.remove();
        return copied;
    }

    document.addEventListener("click", async function (event) {
        const button = event.target.closest("[data-copy]");
        if (!button) {
            return;
        }
        const label = button.querySelector("[data-copy-label]");
        let copied = false;
        try {
            copied = await copy(button.dataset.copy);
        } catch {
            copied = false;
        }
        label.textContent = copied ? "Copied" : "Select and copy it";
        window.setTimeout(function () {
            label.textContent = "Copy";
        }, 2000);
    });
})();
