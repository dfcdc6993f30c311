// Tells the server in which time zone this browser is, so that pages show times in it: see rcintercom/viewer.py.
"use strict";

(function () {
    const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
    if (zone) {
        const secure = window.location.protocol === "https:" ? "; Secure" : "";
        document.cookie =
            "time_zone=" + encodeURIComponent(zone) + "; Path=/admin/; Max-Age=31536000; SameSite=Lax" + secure;
    }
})();
