// How far something has come: <section data-progress="address"> with a <progress> and a [data-progress-said].
// Asks every two seconds, and loads the page again at the end. Without this script the page does it when it is loaded.
"use strict";

(function () {
    const EVERY_MS = 2000;

    async function look(section) {
        const answer = await fetch(section.dataset.progress, { headers: { Accept: "application/json" } });
        if (!answer.ok || answer.redirected) {
            return;
        }
        const found = await answer.json();
        section.querySelector("progress").value = found.percent;
        const said = section.querySelector("[data-progress-said]");
        if (said.textContent !== found.said) {
            said.textContent = found.said;
        }
        if (found.over) {
            window.location.reload();
            return;
        }
        later(section);
    }

    function later(section) {
        window.setTimeout(function () {
            look(section).catch(function () {
                later(section);
            });
        }, EVERY_MS);
    }

    document.addEventListener("DOMContentLoaded", function () {
        document.querySelectorAll("[data-progress]").forEach(later);
    });
})();
