// Dialogs for keyboards and screen readers. unfold shows and hides a box, into which htmx puts what it has: here it gets
// a role and a name, takes the focus, keeps it, and gives it back to what opened it.
"use strict";

(function () {
    const FIELDS = "input:not([type=hidden]), select, textarea";
    let opener = null;

    function isShown(box) {
        return box.getClientRects().length > 0;
    }

    function name(box) {
        const [title, said] = [box.querySelector("h1"), box.querySelector("h1 + p")];
        for (const [attribute, element, id] of [
            ["aria-labelledby", title, "dialog-title"],
            ["aria-describedby", said, "dialog-said"],
        ]) {
            if (element) {
                element.id = id;
                box.setAttribute(attribute, id);
            } else {
                box.removeAttribute(attribute);
            }
        }
    }

    // What is below it can be neither reached nor read out.
    function cover(covered) {
        document.getElementById("page").inert = covered;
    }

    function enter(box) {
        cover(true);
        if (!box.contains(document.activeElement)) {
            (box.querySelector(FIELDS) || box).focus();
        }
    }

    // What a check found is put in the place of what stood behind the dialog, with the button that opened it.
    function present(element) {
        const address = element.getAttribute("hx-get");
        return element.isConnected ? element : document.querySelector(`#page [hx-get="${CSS.escape(address)}"]`);
    }

    function leave() {
        cover(false);
        const back = opener && present(opener);
        opener = null;
        if (back) {
            back.focus();
        }
    }

    function watch(box) {
        let was = false;
        new MutationObserver(function () {
            const shown = isShown(box);
            if (shown) {
                name(box);
                enter(box);
            } else if (was) {
                leave();
            }
            was = shown;
        }).observe(box.parentElement, { attributeFilter: ["style"], childList: true, subtree: true });
    }

    document.addEventListener("DOMContentLoaded", function () {
        const box = document.getElementById("modal-content");
        if (!box || !document.getElementById("page")) {
            return;
        }
        box.setAttribute("role", "dialog");
        box.setAttribute("aria-modal", "true");
        box.tabIndex = -1;
        watch(box);
        document.body.addEventListener("htmx:beforeRequest", function (event) {
            if (event.detail.target === box) {
                opener = event.detail.elt;
            }
        });
        // “Cancel” leads to “#”, where the browser would put the focus on nothing.
        box.addEventListener("click", function (event) {
            if (event.target.closest('a[href="#"]')) {
                event.preventDefault();
            }
        });
    });
})();
