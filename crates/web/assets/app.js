// What the pages do beyond HTML: count down, notice news, show and weigh a password, copy what is shown once, keep a
// double click from sending twice. Every page works without it.
(() => {
  "use strict";

  const every = (selector, act) => document.querySelectorAll(selector).forEach(act);
  const two = (number) => String(number).padStart(2, "0");

  // The countdown runs on the server's business clock as it was when the page was made: the clock of the
  // device may be wrong, and that of a sandbox may be moved.
  every("[data-ends-at]", (card) => {
    const words = card.dataset;
    const ahead = Date.parse(words.now) - Date.now();
    const endsAt = Date.parse(words.endsAt);
    const part = (name) => card.querySelector(`[data-part="${name}"]`);
    const french = document.documentElement.lang === "fr";
    const day = (count) => (count === 1 || (count === 0 && french) ? words.day : words.days);
    const write = (name, value) => {
      const place = part(name);
      if (place.textContent !== value) place.textContent = value;
    };
    if (Number.isNaN(ahead) || Number.isNaN(endsAt)) return;

    // Spoken once an hour, and every five minutes in the last one: never each second.
    const speak = (days, hours, minutes) => {
      const coarse = minutes - (minutes % 5);
      const said = days > 0 ? `${days} ${day(days)}${hours ? ` ${hours} ${words.hours}` : ""}`
        : hours > 0 ? `${hours} ${words.hours}` : `${coarse || minutes} ${words.minutes}`;
      write("spoken", part("spoken").dataset.before.replace("§", said));
    };

    let running = false;
    const tick = () => {
      const left = Math.max(0, Math.floor((endsAt - Date.now() - ahead) / 1000));
      const days = Math.floor(left / 86400);
      const hours = Math.floor(left / 3600) % 24;
      const minutes = Math.floor(left / 60) % 60;
      write("days", String(days));
      write("unit", day(days));
      write("hours", two(hours));
      write("minutes", two(minutes));
      write("seconds", two(left % 60));
      if (running) speak(days, hours, minutes);
      if (left > 0) {
        running = true;
        setTimeout(tick, (endsAt - Date.now() - ahead) % 1000 + 5);
      } else if (running) {
        // The end came while the page was open: the server says what follows.
        setTimeout(() => location.reload(), 3000);
      }
    };
    tick();
  });

  // Something is about to change by itself: ask soon, then every two seconds, later every ten, never in a hidden
  // tab. Whoever comes back to a page sees it as it is by then.
  every("[data-poll]", (box) => {
    let asked = 0;
    let leaving = false;
    addEventListener("submit", () => { leaving = true; });
    const ask = async () => {
      if (document.hidden || leaving) return;
      asked += 1;
      try {
        const answer = await fetch(box.dataset.poll, {
          headers: { Accept: "application/json" }, credentials: "same-origin", cache: "no-store",
        });
        const now = answer.ok && (await answer.json()).state;
        // A page that is being left for a form's answer must not be loaded again instead.
        if (now && now !== box.dataset.pollState && !leaving) location.reload();
      } catch {
        // Away for a moment: the next question may be answered.
      }
    };
    const keepAsking = async () => {
      await ask();
      if (asked < 240) setTimeout(keepAsking, asked < 60 ? 2000 : 10000);
    };
    if (box.dataset.pollOnReturn === undefined) setTimeout(keepAsking, 700);
    document.addEventListener("visibilitychange", ask);
  });

  every("[data-reveal]", (button) => {
    const field = document.getElementById(button.dataset.reveal);
    button.hidden = false;
    button.addEventListener("click", () => {
      const shown = field.type === "text";
      field.type = shown ? "password" : "text";
      button.textContent = shown ? button.dataset.show : button.dataset.hide;
      button.setAttribute("aria-pressed", String(!shown));
    });
    // A password goes out as a password, so that password managers see one.
    field.form.addEventListener("submit", () => { field.type = "password"; });
  });

  // A password that is being chosen, weighed here and told to nobody. The server has the last word: it also knows
  // which passwords are common.
  every("[data-strength]", (meter) => {
    const words = meter.dataset;
    const field = document.getElementById(words.strength);
    const weigh = () => {
      const letters = [...field.value];
      const steps = letters.slice(1).map((letter, at) => letter.codePointAt(0) - letters[at].codePointAt(0));
      const counted = steps.filter((step) => Math.abs(step) < 2).length;
      const kinds = new Set(letters).size;
      const missing = words.minimum - letters.length;
      if (missing > 0) return [1, words.short.replace("§", missing)];
      if (kinds < 6 || counted * 2 > letters.length || /^(.{1,6})\1+.?$/u.test(field.value)) return [1, words.obvious];
      return letters.length >= 20 && kinds > 9 ? [3, words.strong] : [2, words.good];
    };
    field.addEventListener("input", () => {
      const [level, said] = weigh();
      meter.hidden = !field.value;
      meter.dataset.level = level;
      meter.querySelector("p").textContent = said;
    });
  });

  every("[data-copy]", (button) => {
    if (!navigator.clipboard) return;
    button.hidden = false;
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).innerText.trim());
      button.textContent = button.dataset.done;
    });
  });

  every("[data-print]", (button) => {
    button.hidden = false;
    button.addEventListener("click", () => print());
  });

  every("form[method=post]", (form) => {
    form.addEventListener("submit", () => {
      const buttons = [...form.elements].filter((field) => field.type === "submit");
      setTimeout(() => buttons.forEach((button) => { button.disabled = true; }), 0);
    });
  });
  addEventListener("pageshow", () => every("button[type=submit]", (button) => { button.disabled = false; }));

  // Instants are written in UTC; pointing at one tells it in the reader's own time zone.
  every("time[datetime]", (time) => {
    const instant = new Date(time.dateTime);
    if (Number.isNaN(instant.getTime())) return;
    time.title = instant.toLocaleString(document.documentElement.lang, { dateStyle: "full", timeStyle: "long" });
  });

  every("details.menu", (menu) => {
    addEventListener("click", (event) => { if (!menu.contains(event.target)) menu.open = false; });
    menu.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || !menu.open) return;
      menu.open = false;
      menu.querySelector("summary").focus();
    });
  });
})();
