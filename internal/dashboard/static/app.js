// What the pages need beyond htmx: clocks that run, the light that says whether the page is live, the theme.
"use strict";
(() => {
  const spell = (s) => {
    s = Math.max(0, Math.floor(s));
    if (s < 60) return `${s}s`;
    if (s < 3600) return `${Math.floor(s / 60)}m ${s % 60}s`;
    if (s < 86400) return `${Math.floor(s / 3600)}h ${Math.floor((s % 3600) / 60)}m`;
    return `${Math.floor(s / 86400)}d ${Math.floor((s % 86400) / 3600)}h`;
  };
  setInterval(() => {
    if (document.hidden) return;
    for (const t of document.querySelectorAll("time[data-since]")) {
      const text = spell((Date.now() - Date.parse(t.dateTime)) / 1000);
      if (t.textContent !== text) t.textContent = text;
    }
  }, 1000);

  const live = (state, text) => {
    const light = document.getElementById("live");
    if (!light || light.dataset.state === state) return;
    light.dataset.state = state;
    light.querySelector(".text").textContent = text;
  };
  document.addEventListener("htmx:sseOpen", () => live("on", "live"));
  document.addEventListener("htmx:sseError", () => live("lost", "connection lost, trying again"));
  document.addEventListener("htmx:sseClose", () => live("off", "not live"));

  // A gateway that was deleted elsewhere has no page any more.
  document.addEventListener("htmx:sseMessage", (e) => {
    if (e.detail.type === "gone") location.assign("/");
  });

  // A request that did not get through says so where results are shown.
  const failed = (text) => {
    const results = document.getElementById("result");
    if (!results) return;
    const box = document.createElement("div");
    box.className = "result bad";
    const p = document.createElement("p");
    p.textContent = "✗ " + text;
    box.append(p);
    results.prepend(box);
  };
  document.addEventListener("htmx:sendError", () => failed("the dashboard does not answer; is it being restarted?"));
  document.addEventListener("htmx:timeout", () => failed("the dashboard did not answer in time"));

  document.addEventListener("click", (e) => {
    const dismiss = e.target.closest("[data-dismiss]");
    if (dismiss) dismiss.closest(".result").remove();
    if (e.target.closest("[data-theme-button]")) {
      const root = document.documentElement;
      const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
      root.dataset.theme = dark ? "light" : "dark";
      try { localStorage.setItem("theme", root.dataset.theme); } catch { /* it lasts as long as the page */ }
    }
    for (const menu of document.querySelectorAll("details.menu[open]")) {
      if (!menu.contains(e.target) || e.target.closest("button")) menu.open = false;
    }
  });
  document.addEventListener("keydown", (e) => {
    if (e.key === "Escape") for (const menu of document.querySelectorAll("details.menu[open]")) menu.open = false;
    if (e.key === "/" && !e.target.closest("input, textarea, select")) {
      const search = document.querySelector("input[type=search]");
      if (search) { e.preventDefault(); search.focus(); }
    }
  });
})();
