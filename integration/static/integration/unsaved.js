// Changes of the settings that are not saved: a word before they are lost, when the page is left and in the dialogs that
// lead away from it. And a link to a field or a section opens what it is folded into, and puts the cursor into the field.
"use strict";

(function () {
    const FIELDS = "input:not([type=hidden]), select, textarea";
    const form = document.getElementById("project_form");
    let changed = false;

    function note() {
        changed = true;
    }

    function forget() {
        changed = false;
    }

    function reveal() {
        const id = decodeURIComponent(window.location.hash.slice(1));
        const target = id && document.getElementById(id);
        if (!target) {
            return;
        }
        for (const folded of [target.closest("details"), target.id.startsWith("section-") && target.querySelector("details")]) {
            if (folded) {
                folded.open = true;
            }
        }
        // A section begins at the top of the window; a field stands in its middle, ready to be changed.
        if (target.id.startsWith("section-")) {
            target.scrollIntoView();
            return;
        }
        const field = target.matches(FIELDS) ? target : target.querySelector(FIELDS);
        if (field) {
            field.focus({ preventScroll: true });
        }
        target.scrollIntoView({ block: "center" });
    }

    window.addEventListener("hashchange", reveal);
    // Before that the page has not its final height.
    window.addEventListener("load", reveal);

    if (!form) {
        return;
    }
    form.addEventListener("input", note);
    form.addEventListener("change", note);
    form.addEventListener("submit", forget);

    window.addEventListener("beforeunload", function (event) {
        if (changed) {
            event.preventDefault();
        }
    });

    document.body.addEventListener("htmx:afterSwap", function (event) {
        const isCheck = event.detail.pathInfo && event.detail.pathInfo.requestPath.endsWith("/check_connection/");
        const warning = document.getElementById(isCheck ? "unsaved-check" : "unsaved-warning");
        const fields = document.getElementById("dialog-form");
        if (changed && warning && fields && event.detail.target.id === "modal-content") {
            fields.before(warning.content.cloneNode(true));
        }
    });

    // The dialog has warned: do not ask once more.
    document.body.addEventListener("htmx:beforeOnLoad", function (event) {
        if (event.detail.xhr.getResponseHeader("HX-Redirect")) {
            forget();
        }
    });
})();
