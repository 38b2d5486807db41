// What makes the pages handier: filter, keys, copying, the living preview of the builder. All of them work without it.
"use strict";

(() => {
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];
  const one = (selector, within = document) => within.querySelector(selector);

  // Text without accents and case, so that "schrodinger" finds Schrödinger, as the service's own queries read it.
  const plainLetters = { ß: "ss", ł: "l", ø: "o", đ: "d", ı: "i", æ: "ae", œ: "oe", "’": "'" };
  const fold = (text) =>
    text
      .normalize("NFKD")
      .replace(/\p{Mn}/gu, "")
      .toLowerCase()
      .replace(/[ßłøđıæœ’]/g, (letter) => plainLetters[letter]);
  const wordsOf = (text) => fold(text).split(/\s+/).filter(Boolean);

  // --- the time until something

  const counted = (number, noun) => `${number} ${noun}${number === 1 ? "" : "s"}`;

  const tellUntil = (element) => {
    const minutes = Math.round((Date.parse(element.dateTime) - Date.now()) / 60000);
    if (minutes < 1) return "any moment now";
    if (minutes < 60) return `in ${counted(minutes, "minute")}`;
    if (minutes < 48 * 60) return `in ${counted(Math.floor(minutes / 60), "hour")} ${counted(minutes % 60, "minute")}`;
    return `in ${counted(Math.round(minutes / 1440), "day")}`;
  };

  const countDown = (element) => {
    const told = document.createElement("span");
    element.after(told);
    const tell = () => (told.textContent = ` (${tellUntil(element)})`);
    tell();
    setInterval(tell, 30000);
  };

  // --- filter as you type

  const prepareFilter = (form) => {
    const input = one("input", form);
    const output = one("output", form);
    const rows = all("[data-papers] > li").map((row) => [row, fold(row.textContent)]);
    const filter = () => {
      const words = wordsOf(input.value);
      let shown = 0;
      for (const [row, text] of rows) {
        row.hidden = !words.every((word) => text.includes(word));
        shown += row.hidden ? 0 : 1;
      }
      output.textContent = words.length ? `${shown} of ${counted(rows.length, "paper")}` : "";
    };
    input.addEventListener("input", filter);
    form.addEventListener("submit", (event) => event.preventDefault());
    input.addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      input.value = "";
      filter();
      input.blur();
    });
    form.hidden = false;
    if (input.value) filter(); // what the browser kept over a reload
  };

  // --- keys

  const SWITCH = "arxiv-feeds.shortcuts";
  const recall = () => {
    try {
      return localStorage.getItem(SWITCH) !== "off";
    } catch {
      return true; // a browser that keeps nothing
    }
  };
  const remember = (isOn) => {
    try {
      if (isOn) localStorage.removeItem(SWITCH);
      else localStorage.setItem(SWITCH, "off");
    } catch {
      // The switch then holds for this page only.
    }
  };

  const papers = () => all("[data-papers] > li:not([hidden]) > article");
  const current = () => document.activeElement?.closest("article");

  const go = (step) => {
    const shown = papers();
    if (!shown.length) return;
    const here = shown.indexOf(current());
    const firstVisible = shown.findIndex((paper) => paper.getBoundingClientRect().bottom > 0);
    const next = here < 0 ? Math.max(firstVisible, 0) : Math.min(Math.max(here + step, 0), shown.length - 1);
    shown[next].focus({ preventScroll: true });
    shown[next].scrollIntoView({ block: "start" });
  };

  const unfold = (paper) => {
    const folds = all("details.fold", paper);
    const isOpen = folds.some((fold) => fold.open);
    for (const fold of folds) fold.open = !isOpen;
  };

  const prepareKeys = (dialog) => {
    let isOn = recall();
    const box = one("[data-shortcuts]", dialog);
    box.checked = isOn;
    box.addEventListener("change", () => remember((isOn = box.checked)));
    const actions = {
      j: () => go(1),
      k: () => go(-1),
      o: () => current() && one("h2 a", current()).click(),
      e: () => current() && unfold(current()),
      "/": () => one("[data-filter] input, [data-builder] [name=q]")?.focus(),
      "?": () => dialog.showModal(),
    };
    document.addEventListener("keydown", (event) => {
      const isTyping = event.target.closest?.("input, textarea, select, dialog");
      if (!isOn || isTyping || event.ctrlKey || event.metaKey || event.altKey || !Object.hasOwn(actions, event.key)) return;
      event.preventDefault();
      actions[event.key]();
    });
    for (const button of all("[data-keys]")) {
      button.hidden = false;
      button.addEventListener("click", () => dialog.showModal());
    }
  };

  // The reasons of a score go away with Escape, without moving the pointer or the focus (WCAG 1.4.13).
  const prepareReasons = () => {
    document.addEventListener("keydown", (event) => {
      if (event.key === "Escape") for (const score of all(".score")) score.classList.add("quiet-now");
    });
    for (const name of ["pointerover", "focusin"]) {
      document.addEventListener(name, (event) => {
        const score = event.target.closest?.(".score");
        if (score && !score.contains(event.relatedTarget)) score.classList.remove("quiet-now");
      });
    }
  };

  // --- copying

  const showCopying = (within) => {
    if (navigator.clipboard) for (const button of all("[data-copy]", within)) button.hidden = false;
  };

  const copy = async (button) => {
    const source = document.getElementById(button.dataset.copy);
    await navigator.clipboard.writeText(source.value ?? source.textContent);
    const before = button.innerHTML;
    button.textContent = "Copied";
    setTimeout(() => (button.innerHTML = before), 2000);
  };

  // --- the builder: the page is asked for again while one types, and its changing parts are taken over

  const PAUSE_MILLISECONDS = 400;

  const prepareBuilder = (form) => {
    let timer = 0;
    let asking = new AbortController();

    const address = () => {
      const filled = [...new FormData(form)].filter(([, text]) => String(text).trim());
      return `${form.action.split("#")[0]}?${new URLSearchParams(filled)}`;
    };

    const takeOver = (page) => {
      for (const part of all("[data-live]")) {
        const opened = all("details", part).map((fold) => fold.open);
        const fresh = page.getElementById(part.id);
        part.replaceChildren(...fresh.childNodes);
        all("details", part).forEach((fold, place) => (fold.open = opened[place] ?? false));
      }
      for (const field of all("[name]:not([type=checkbox])", form)) {
        const isWrong = document.getElementById(`${field.name}-mistake`).textContent.trim() !== "";
        if (isWrong) field.setAttribute("aria-invalid", "true");
        else field.removeAttribute("aria-invalid");
      }
      const result = document.getElementById("result");
      showCopying(result);
      one("[data-told]").textContent = one(".told, [role=alert]", result)?.textContent ?? "";
    };

    const refresh = async () => {
      asking.abort();
      asking = new AbortController();
      const asked = address();
      form.classList.add("asking");
      try {
        const answer = await fetch(asked, { signal: asking.signal });
        if (!answer.ok) throw new Error(`HTTP ${answer.status}`);
        takeOver(new DOMParser().parseFromString(await answer.text(), "text/html"));
        history.replaceState(null, "", asked);
        form.classList.remove("asking");
      } catch (error) {
        if (error.name === "AbortError") return;
        form.classList.remove("asking");
        one("[data-told]").textContent = "The preview could not be fetched; “Show the feed” tries it again.";
      }
    };

    form.addEventListener("input", (event) => {
      if (!event.target.name) return;
      clearTimeout(timer);
      timer = setTimeout(refresh, PAUSE_MILLISECONDS);
    });
  };

  const prepareFinding = (input) => {
    const groups = all(".subjects > details").map((group) => [group, group.open]);
    input.closest("[data-scripted]").hidden = false;
    input.addEventListener("input", () => {
      const words = wordsOf(input.value);
      for (const [group, wasOpen] of groups) {
        let found = 0;
        for (const row of all("li", group)) {
          const text = fold(row.textContent);
          row.hidden = !words.every((word) => text.includes(word));
          found += row.hidden ? 0 : 1;
        }
        group.hidden = !found;
        group.open = words.length ? true : wasOpen || one(":checked", group) !== null;
      }
    });
    input.addEventListener("keydown", (event) => {
      if (event.key === "Enter") event.preventDefault(); // looks for categories, sends nothing
    });
  };

  // --- paper has no fold to open

  const prepareRest = () => {
    let opened = [];
    addEventListener("beforeprint", () => {
      opened = all("details:not([open])");
      for (const fold of opened) fold.open = true;
    });
    addEventListener("afterprint", () => {
      for (const fold of opened) fold.open = false;
    });
    document.addEventListener("click", (event) => {
      const button = event.target.closest("[data-copy]");
      if (button) copy(button);
    });
  };

  all("[data-until]").forEach(countDown);
  all("[data-filter]").forEach(prepareFilter);
  all("#keys").forEach(prepareKeys);
  all("[data-builder]").forEach(prepareBuilder);
  all("[data-find]").forEach(prepareFinding);
  prepareReasons();
  prepareRest();
  showCopying(document);
})();
