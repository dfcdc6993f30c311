// Watches a test arrive: <div data-watch="address">…</div> shows what that address answers, again and again, until there
// is no [data-pending] in it any more. Without scripts the link “Look again” in it does the same by hand.
"use strict";

(function () {
    const EVERY = 1000;
    const MOST = 60;
    const place = document.querySelector("[data-watch]");
    let looks = 0;
    let shown = null;

    async function look() {
        looks += 1;
        let text;
        try {
            const answer = await fetch(place.dataset.watch, { credentials: "same-origin" });
            if (!answer.ok || answer.redirected) {
                return;
            }
            text = await answer.text();
        } catch {
            text = null;
        }
        // Only what is news: whoever listens to the page would hear it every second.
        if (text !== null && text !== shown) {
            place.innerHTML = text;
            shown = text;
        }
        again();
    }

    function again() {
        if (looks < MOST && place.querySelector("[data-pending]")) {
            window.setTimeout(look, EVERY);
        }
    }

    if (place) {
        again();
    }
})();
