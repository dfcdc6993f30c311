// What unfold and Django leave undone for keyboards and screen readers; also in what comes into the page later.
"use strict";

(function () {
    const ICONS = ".material-symbols-outlined";
    const FOCUSABLE = "a[href], button, input, select, textarea, summary, [tabindex]";
    // What icons that stand alone are to be called: by what a click on them changes. The page has the words.
    const NAMES = [
        ["sidebar", "sidebar"],
        ["openTheme", "theme"],
        ["openModal = false", "close"],
    ];

    function word(name) {
        return name && document.querySelector("meta[name=rc-icons]").dataset[name];
    }

    // unfold moves much by clicks on elements that the Tab key passes by: its menus, the filters, the theme.
    function makeReachable(root) {
        for (const element of root.querySelectorAll("[x-on\\:click]:not([role])")) {
            const isHeading = /^H\d$/.test(element.tagName);
            if (isHeading || element.matches(FOCUSABLE) || element.querySelector(FOCUSABLE) || !element.textContent.trim()) {
                continue;
            }
            element.setAttribute("role", "button");
            element.setAttribute("tabindex", "0");
            const does = element.getAttribute("x-on:click");
            const name = element.title || word(NAMES.find(([part]) => does.includes(part))?.[1]);
            if (name) {
                element.setAttribute("aria-label", name);
            }
        }
    }

    function press(event) {
        const element = event.target;
        if ((event.key === "Enter" || event.key === " ") && element.matches('[x-on\\:click][role="button"]')) {
            event.preventDefault();
            element.click();
        }
    }

    // Icons are words in a font of pictures: "arrow_back". They are not to be read out beside a text.
    function hideIcons(root) {
        for (const icon of root.querySelectorAll(`${ICONS}:not([aria-hidden], [role])`)) {
            const around = icon.closest('a, button, [role="button"]');
            if (around && (around.ariaLabel || around.textContent.replace(icon.textContent, "").trim())) {
                icon.setAttribute("aria-hidden", "true");
            }
        }
    }

    // The field in which people are searched for has no name of its own: it takes that of its row.
    function nameSearches(root) {
        for (const field of root.querySelectorAll(".select2-search__field:not([aria-label])")) {
            const select = field.closest(".select2")?.previousElementSibling;
            const label = select?.id && document.querySelector(`label[for="${CSS.escape(select.id)}"]`);
            field.setAttribute("aria-label", label ? label.textContent.trim() : word("search"));
        }
    }

    function nameSearchButton(root) {
        root.querySelector("#command-submit:not([aria-label])")?.setAttribute("aria-label", word("search"));
    }

    // A name is allowed for what has a role only.
    function giveRoles(root) {
        for (const tip of root.querySelectorAll(".help-tooltip[aria-label]:not([role])")) {
            tip.setAttribute("role", "img");
        }
    }

    function mend() {
        for (const step of [makeReachable, hideIcons, nameSearches, nameSearchButton, giveRoles]) {
            step(document);
        }
    }

    document.addEventListener("keydown", press);
    document.addEventListener("DOMContentLoaded", function () {
        mend();
        new MutationObserver(mend).observe(document.body, { childList: true, subtree: true });
    });
})();
