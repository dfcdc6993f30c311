// Copy buttons: <button data-copy="text"><span data-copy-label>Copy</span></button>. With data-copy-beside in its place
// the text is that of the [data-copy-text] in the same [data-copy-area].
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

    function textOf(button) {
        if (!button.hasAttribute("data-copy-beside")) {
            return button.dataset.copy;
        }
        return button.closest("[data-copy-area]").querySelector("[data-copy-text]").textContent;
    }

    document.addEventListener("click", async function (event) {
        const button = event.target.closest("[data-copy], [data-copy-beside]");
        if (!button) {
            return;
        }
        const label = button.querySelector("[data-copy-label]");
        button.dataset.copyUsual = button.dataset.copyUsual || label.textContent;
        let copied = false;
        try {
            copied = await copy(textOf(button));
        } catch {
            copied = false;
        }
        label.textContent = copied ? button.dataset.copied || "Copied" : button.dataset.copyFailed || "Select and copy it";
        window.setTimeout(function () {
            label.textContent = button.dataset.copyUsual;
        }, 2000);
    });
})();
