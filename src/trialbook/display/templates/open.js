// Opens the records behind a number in place, from the data that the page holds; without them the link leads to the
// records page, as it does without this script.
"use strict";
(() => {
  const source = document.getElementById("opened");
  if (!source || !HTMLElement.prototype.showPopover) return;
  let data;
  const box = document.createElement("div");
  box.className = "tb-opened";
  box.popover = "auto";
  box.setAttribute("role", "dialog");
  let opener;

  const fill = (anchor, href) => {
    const [title, number] = data.boxes[anchor];
    const [shell, rows, notes] = data.bodies[number];
    const table = shell < 0 ? "" : data.shells[shell].replace("</tbody>", () => rows.map((row) => data.rows[row]).join("") + "</tbody>");
    box.innerHTML = `<p class="tb-title" id="opened-title" tabindex="-1">${title}</p>${table}${notes}`;
    box.setAttribute("aria-labelledby", "opened-title");
    const foot = document.createElement("p");
    foot.className = "tb-shut";
    const close = document.createElement("button");
    close.type = "button";
    close.className = "tb-close";
    close.textContent = source.dataset.close;
    close.addEventListener("click", () => box.hidePopover());
    const more = document.createElement("a");
    more.href = href;
    more.textContent = source.dataset.page;
    foot.append(close, " ", more);
    box.append(foot);
  };

  document.addEventListener("click", (event) => {
    const link = event.target instanceof Element ? event.target.closest("a.tb-open") : null;
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
    data ||= JSON.parse(source.textContent);
    const anchor = link.hash.slice(1);
    if (!Object.hasOwn(data.boxes, anchor)) return;
    event.preventDefault();
    if (!box.isConnected) document.body.append(box);
    if (box.matches(":popover-open")) box.hidePopover();
    opener = link;
    fill(anchor, link.getAttribute("href"));
    box.showPopover();
    box.querySelector(".tb-title").focus();
  });
  box.addEventListener("toggle", (event) => {
    if (event.newState === "closed") {
      if (opener && (document.activeElement === document.body || box.contains(document.activeElement))) opener.focus();
      box.replaceChildren();
    }
  });
})();
