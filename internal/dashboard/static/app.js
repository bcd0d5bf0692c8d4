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
      const text = spell((Date.now() - Date.parse(t.dateTime)) / 1000) + (t.dataset.after || "");
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

  // A profile that was deleted or renamed elsewhere has no page any more. If this page did it, the answer leads on.
  const shown = () => document.querySelector("[data-profile]")?.dataset.profile;
  const leave = (name) => {
    if (shown() !== name) return;
    if (document.querySelector(".htmx-request")) setTimeout(leave, 500, name);
    else location.assign(document.querySelector("a.brand").href);
  };
  document.addEventListener("htmx:sseMessage", (e) => {
    if (e.detail.type === "gone" && shown()) setTimeout(leave, 500, shown());
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

  // What somebody has typed stays when a part of the page is put in anew: a form with unsaved text is left alone, and with it the tag that
  // says which version of a file the text began with.
  const unixLines = (text) => text.replaceAll("\r\n", "\n");
  const typed = (form) => [...form.elements].filter((f) => f.type !== "hidden" && "defaultValue" in f);
  const unsaved = (form) => typed(form).some((f) => f.value !== f.defaultValue);
  Idiomorph.defaults.callbacks.beforeNodeMorphed = (form, fresh) => {
    if (!(form instanceof HTMLFormElement) || !unsaved(form)) return true;
    // Somebody typed on while the text was being saved: the page's version is that text, so the next save begins with it.
    const tag = form.querySelector("[name=tag]"), text = form.querySelector("textarea"), now = fresh.querySelector?.("textarea");
    if (tag && now && now.value === text.defaultValue) tag.value = fresh.querySelector("[name=tag]").value;
    return false;
  };
  document.addEventListener("htmx:afterRequest", (e) => {
    const form = e.target.closest?.("form");
    if (!form || e.detail.xhr?.getResponseHeader("HX-Trigger") !== "saved") return;
    for (const f of typed(form)) {
      const sent = unixLines(String(e.detail.requestConfig.formData.get(f.name) ?? ""));
      if (f.type === "textarea") f.defaultValue = sent;
      else if (f.value === sent) f.value = f.defaultValue; // a field for one value is empty again
    }
  });

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
  // The log: the newest line stays in sight unless the reader went up. While it pauses, nothing is put in; what was
  // missed is read again afterwards.
  const lines = () => document.getElementById("lines");
  const bottom = (box) => box.scrollHeight - box.scrollTop - box.clientHeight < 40;
  let paused = false;
  let follow = true;
  const toEnd = () => { const box = lines(); if (box && follow) box.scrollTop = box.scrollHeight; };
  document.addEventListener("htmx:sseBeforeMessage", (e) => {
    const box = lines();
    if (!box || !e.target.closest("#log")) return;
    if (paused) { e.preventDefault(); return; }
    follow = bottom(box) || e.detail.type === "log";
  });
  document.addEventListener("htmx:sseMessage", (e) => {
    const box = lines();
    if (!box || !e.target.closest("#log")) return;
    while (box.childElementCount > 5000) box.firstElementChild.remove();
    toEnd();
  });
  document.addEventListener("htmx:afterSettle", (e) => { if (e.target.id === "log") { follow = true; toEnd(); } });
  toEnd();
  document.addEventListener("click", (e) => {
    const button = e.target.closest("[data-pause]");
    if (!button) return;
    paused = !paused;
    button.setAttribute("aria-pressed", String(paused));
    button.textContent = paused ? "Go on" : "Pause";
    if (!paused) htmx.ajax("GET", location.href, { target: "#log", select: "#log", swap: "outerHTML" });
  });

  // The chat box: the answer is shown as it comes.
  document.addEventListener("submit", async (e) => {
    const form = e.target.closest("form[data-chat]");
    if (!form) return;
    e.preventDefault();
    const box = form.elements.message;
    const text = box.value;
    const button = form.querySelector("button");
    const list = document.getElementById("messages");
    const add = (role) => {
      const item = document.createElement("li");
      item.className = `message m-${role}`;
      const who = document.createElement("small");
      who.textContent = role;
      const p = document.createElement("p");
      item.append(who, p);
      list.append(item);
      item.scrollIntoView({ block: "nearest" });
      return p;
    };
    const body = new URLSearchParams(new FormData(form));
    add("user").textContent = text;
    const answer = add("assistant");
    answer.textContent = "…";
    box.value = "";
    button.disabled = true;
    try {
      const response = await fetch(form.action, { method: "POST", body, headers: { Accept: "text/plain", "X-CSRF-Token": form.elements.csrf_token.value } });
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
      let whole = response.ok ? "" : "✗ ";
      for (let part = await reader.read(); !part.done; part = await reader.read()) {
        whole += part.value.replaceAll("\0", ""); // sent while the model thinks
        if (whole === "") continue;
        answer.textContent = whole;
        answer.scrollIntoView({ block: "nearest" });
      }
      if (whole === "") answer.textContent = "(an empty answer)";
      if (!response.ok || whole.startsWith("✗ ")) { answer.parentElement.classList.add("failed"); box.value = text; }
    } catch {
      answer.textContent = "✗ the dashboard does not answer";
      box.value = text;
    }
    button.disabled = false;
    box.focus();
  });
  document.addEventListener("keydown", (e) => {
    if (e.key === "Enter" && (e.ctrlKey || e.metaKey) && e.target.closest("form[data-chat]")) e.target.form.requestSubmit();
  });

  document.addEventListener("keydown", (e) => {
    if (e.key === "Escape") for (const menu of document.querySelectorAll("details.menu[open]")) menu.open = false;
    if (e.key === "/" && !e.target.closest("input, textarea, select")) {
      const search = document.querySelector("input[type=search]");
      if (search) { e.preventDefault(); search.focus(); }
    }
  });
})();
