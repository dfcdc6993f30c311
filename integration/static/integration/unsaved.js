// Changes of the settings that are not saved: a word before they are lost, when the page is left and in the dialogs that
// lead away from it. And a link to a field or a section opens what it is folded into.
"use strict";

(function () {
    const form = document.getElementById("project_form");
    let changed = false;

    function note() {
        changed = true;
    }

    function forget() {
        changed = false;
    }

    function unfold() {
        const id = decodeURIComponent(window.location.hash.slice(1));
        const target = id && document.getElementById(id);
        if (!target) {
            return;
        }
        const inside = target.querySelector("details");
        const folded = target.closest("details") || (inside && target.tagName === "DIV" ? inside : null);
        if (folded && !folded.open) {
            folded.open = true;
            target.scrollIntoView();
        }
    }

    window.addEventListener("hashchange", unfold);
    unfold();

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
