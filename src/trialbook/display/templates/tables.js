// Sorts, searches and filters the lists of a page that are longer than a screen; without it every row is there.
// What a reader has chosen is in the address (?L-8.find=sepsis&L-8.sort=-3), so that it can be sent to somebody; the
// link to the same page in the other language takes it along, and the place where the reader is.
"use strict";
(() => {
  const main = document.getElementById("content");
  const words = main.dataset;
  const say = (text, values) => text.replace(/\{(\w+)\}/g, (all, name) => values[name] ?? all);
  const make = (tag, className, ...inside) => {
    const made = document.createElement(tag);
    if (className) made.className = className;
    made.append(...inside);
    return made;
  };
  // A control with its label beside it.
  const labelled = (text, control, id) => {
    const label = make("label", "", text);
    label.htmlFor = control.id = id;
    return make("span", "", label, " ", control);
  };
  const state = new URLSearchParams(location.search);
  const remember = (name, value) => {
    if (value) state.set(name, value);
    else state.delete(name);
    const query = state.toString();
    try {
      history.replaceState(null, "", `${location.pathname}${query ? `?${query}` : ""}${location.hash}`);
    } catch (problem) {
      // A browser may refuse this for pages opened from a folder; then the choice lasts as long as the page.
    }
  };
  // Of each filter that is set, a row that it keeps: its words are others in the other language.
  const kept = new Map();
  const folded = (text) => text.toLowerCase().normalize("NFKD").replace(/[\u0300-\u036f]/g, "");
  const shown = (cell) => (cell ? cell.textContent.trim() : "");
  // A number, also in front of others: "4.5 x ULN", "3 of 12 (25.0%)"; a date or a text is compared as text.
  const number = (text) => {
    const found = /^[<>≤≥]?\s*(-?\d+(?:\.\d+)?)(?![\d-])/.exec(text);
    return found && !/^\d{4}-/.test(text) ? Number(found[1]) : NaN;
  };
  const compare = (one, other) => {
    const [a, b] = [number(one), number(other)];
    if (!Number.isNaN(a) && !Number.isNaN(b) && a !== b) return a - b;
    return one.localeCompare(other, document.documentElement.lang, { numeric: true });
  };

  const tools = (box) => {
    const table = box.querySelector("table");
    const body = table.tBodies[0];
    const name = box.closest("[id]").id;
    const rows = [...body.rows].map((row, place) => ({
      row, place, heading: row.querySelector(".gt_group_heading") !== null,
      // Read when somebody searches: a large trial has thousands of rows.
      get text() { return (this.read ??= folded(row.textContent)); },
    }));
    const records = rows.filter((entry) => !entry.heading);
    const heads = [...table.tHead.rows[table.tHead.rows.length - 1].cells];
    const status = make("span");
    status.setAttribute("role", "status");
    const find = make("input");
    find.type = "search";
    const bar = make("div", "tb-tools", labelled(words.find, find, `find-${name}`));
    // Of several lists of a page each says which one it finds in.
    const caption = table.caption && table.caption.querySelector(".tb-title");
    if (caption) find.setAttribute("aria-label", `${words.find}: ${caption.textContent.trim()}`);
    const filters = [];
    let sorted = 0;

    const refresh = (isNews) => {
      const asked = folded(find.value.trim());
      let left = 0;
      for (const entry of records) {
        const fits = (!asked || entry.text.includes(asked))
          && filters.every(({ list, column }) => !list.value || shown(entry.row.cells[column]) === list.value);
        entry.row.classList.toggle("tb-row-out", !fits);
        left += fits;
      }
      let group = null;
      let any = false;
      for (const entry of rows) {
        if (entry.heading) {
          if (group) group.classList.toggle("tb-row-out", !any || sorted !== 0);
          [group, any] = [entry.row, false];
        } else any = any || !entry.row.classList.contains("tb-row-out");
      }
      if (group) group.classList.toggle("tb-row-out", !any || sorted !== 0);
      const isWhole = left === records.length;
      status.textContent = say(isWhole ? words.all : words.some, { n: left, total: records.length });
      reset.hidden = isWhole && sorted === 0;
      if (isNews) remember(`${name}.find`, find.value.trim());
    };

    const sort = (chosen) => {
      sorted = chosen;
      const column = Math.abs(sorted) - 1;
      heads.forEach((head, place) => {
        if (place === column) head.setAttribute("aria-sort", sorted > 0 ? "ascending" : "descending");
        else head.removeAttribute("aria-sort");
      });
      // Blank cells stay at the end either way; rows that are equal keep their order.
      const key = (entry) => shown(entry.row.cells[column]);
      const order = sorted === 0 ? [...rows] : [
        ...rows.filter((entry) => entry.heading),
        ...[...records].sort((a, b) => {
          const [one, other] = [key(a), key(b)];
          if (!one || !other) return (one ? 0 : 1) - (other ? 0 : 1) || a.place - b.place;
          return Math.sign(sorted) * compare(one, other) || a.place - b.place;
        }),
      ];
      body.append(...order.map((entry) => entry.row));
    };

    heads.forEach((head, place) => {
      const button = make("button", "tb-sort", ...head.childNodes);
      if (!button.textContent.trim()) return;
      button.type = "button";
      button.title = words.sort;
      head.append(button);
      button.addEventListener("click", () => {
        const at = place + 1;
        sort(sorted === at ? -at : sorted === -at ? 0 : at);
        remember(`${name}.sort`, sorted ? String(sorted) : "");
        refresh(false);
        const by = button.textContent.trim();
        const said = sorted > 0 ? words.up : sorted < 0 ? words.down : words.unsorted;
        status.textContent += ` · ${say(said, { column: by })}`;
      });
      // A column with few short texts can be filtered by them.
      const few = new Set();
      for (const entry of records) {
        const text = shown(entry.row.cells[place]);
        if (text) few.add(text);
        if (few.size > 8 || text.length > 24) return;
      }
      const texts = [...few].sort(compare);
      if (texts.length < 2 || filters.length > 2 || !texts.some((text) => Number.isNaN(number(text)))) return;
      const list = make("select", "", new Option(words.any, ""), ...texts.map((text) => new Option(text, text)));
      const keep = () => {
        const first = records.findIndex((entry) => shown(entry.row.cells[place]) === list.value);
        if (list.value) kept.set(`${name}.${at(place)}`, `#${first}`);
        else kept.delete(`${name}.${at(place)}`);
      };
      filters.push({ list, column: place });
      bar.append(labelled(button.textContent.trim(), list, `${at(place)}-${name}`));
      const wanted = state.get(`${name}.${at(place)}`) || "";
      const row = /^#\d+$/.test(wanted) ? records[Number(wanted.slice(1))] : null;
      list.value = row ? shown(row.row.cells[place]) : wanted;
      if (list.selectedIndex < 0) list.value = "";
      keep();
      if (row) remember(`${name}.${at(place)}`, list.value);
      list.addEventListener("change", () => {
        keep();
        remember(`${name}.${at(place)}`, list.value);
        refresh(false);
      });
    });

    const reset = make("button", "", words.reset);
    reset.type = "button";
    reset.addEventListener("click", () => {
      find.value = "";
      for (const { list, column } of filters) {
        list.value = "";
        kept.delete(`${name}.${at(column)}`);
        remember(`${name}.${at(column)}`, "");
      }
      sort(0);
      remember(`${name}.sort`, "");
      refresh(true);
      find.focus();
    });
    find.addEventListener("input", () => refresh(true));
    bar.append(status, reset);
    box.before(bar);
    find.value = state.get(`${name}.find`) || "";
    const asked = Number(state.get(`${name}.sort`) || 0);
    if (Number.isInteger(asked) && asked !== 0 && Math.abs(asked) <= heads.length) sort(asked);
    refresh(false);
  };
  const at = (place) => `is${place + 1}`;

  // One search over all lists of a page, where it offers one: a section without a row left is not shown.
  const findAll = (place) => {
    const find = make("input");
    find.type = "search";
    const status = make("span");
    status.setAttribute("role", "status");
    const rows = [...main.querySelectorAll(".tb-box tbody tr")].map((row) => ({ row, text: folded(row.textContent) }));
    const sections = [...main.querySelectorAll("section.findable")];
    const refresh = () => {
      const asked = folded(find.value.trim());
      let left = 0;
      for (const { row, text } of rows) {
        const fits = text.includes(asked);
        row.classList.toggle("tb-row-out", !fits);
        left += fits;
      }
      for (const section of sections) {
        section.hidden = asked !== "" && !section.querySelector("tbody tr:not(.tb-row-out)");
      }
      status.textContent = say(asked ? words.some : words.all, { n: left, total: rows.length });
    };
    place.append(make("div", "tb-tools", labelled(words.findAll, find, "find-all"), status));
    find.value = state.get("find") || "";
    find.addEventListener("input", () => {
      remember("find", find.value.trim());
      refresh();
    });
    refresh();
  };

  // A box whose table fits needs no scrolling: its head stays in view below the menu, and it is no stop for the keyboard.
  // All are measured before any is changed: else each would be laid out anew. What is far below is measured when near.
  const fit = (all) => {
    const near = all.filter((box) => box.checkVisibility({ contentVisibilityAuto: true }));
    const measured = near.map((box) => [box, box.querySelector("table").offsetWidth <= box.clientWidth + 1]);
    for (const [box, fits] of measured) {
      box.classList.toggle("fits", fits);
      if (fits) box.removeAttribute("tabindex");
      else box.tabIndex = 0;
    }
  };
  const watched = new ResizeObserver((entries) => fit(entries.map((entry) => entry.target)));
  const begin = (box) => {
    if (box.classList.contains("tb-list")) tools(box);
    watched.observe(box);
  };
  [...main.querySelectorAll(".tb-box")].filter((box) => !box.closest(".tb-opened") && box.querySelector("table")).forEach(begin);
  main.querySelectorAll(".tb-find-all").forEach(findAll);

  // A long table is text until a reader comes near, prints, or the page rests: thousands of rows keep nobody waiting.
  const waiting = [...main.querySelectorAll("noscript.tb-rest")];
  const put = (place) => {
    if (!place.isConnected) return;
    const made = document.createElement("template");
    made.innerHTML = place.textContent;
    const box = made.content.firstElementChild;
    place.replaceWith(box);
    begin(box);
  };
  if (waiting.length) {
    const near = new IntersectionObserver((entries) => {
      entries.filter((entry) => entry.isIntersecting).forEach(({ target }) => {
        near.unobserve(target);
        target.querySelectorAll("noscript.tb-rest").forEach(put);
      });
    }, { rootMargin: "800px" });
    waiting.forEach((place) => near.observe(place.parentElement));
    const rest = window.requestIdleCallback || ((next) => setTimeout(next, 50));
    const next = () => {
      const place = waiting.find((one) => one.isConnected);
      if (!place) return;
      put(place);
      rest(next);
    };
    addEventListener("load", () => rest(next));
    addEventListener("beforeprint", () => waiting.forEach(put));
  }

  // The other language at the same place: the anchor of the address, else what stands at the top of the window.
  const other = document.querySelector(".language a[hreflang]");
  const page = other ? other.getAttribute("href") : "";
  const place = () => {
    if (location.hash || scrollY < 200) return location.hash;
    const above = [...main.querySelectorAll("[id]")].filter((part) => !part.closest(".tb-tools")).filter((part) => {
      const box = part.getBoundingClientRect();
      return box.height > 0 && box.top < 120;
    });
    return above.length ? `#${encodeURIComponent(above.at(-1).id)}` : "";
  };
  const aim = () => {
    const asked = new URLSearchParams(state);
    kept.forEach((row, name) => asked.set(name, row));
    const query = asked.toString();
    other.setAttribute("href", [page, query && "?", query, place()].join(""));
  };
  if (other) for (const kind of ["pointerdown", "focus", "click"]) other.addEventListener(kind, aim);
})();
