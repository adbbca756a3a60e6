// Everything on this page can be read without it: this remembers the theme, copies commands, finds jobs.
"use strict";
(() => {
  const all = (selector) => [...document.querySelectorAll(selector)];
  for (const control of all(".js:not(#nothing)")) control.hidden = false;

  const key = "landfall-report-theme";
  try {
    const chosen = document.getElementById("theme-" + localStorage.getItem(key));
    if (chosen) chosen.checked = true;
  } catch { /* no storage for this page: the theme is that of the system */ }
  document.getElementById("theme").addEventListener("change", (event) => {
    try { localStorage.setItem(key, event.target.value); } catch { /* as above */ }
  });

  for (const button of all("[data-copy]")) {
    const label = button.firstChild;
    button.addEventListener("click", async () => {
      const code = document.getElementById(button.dataset.copy);
      try {
        await navigator.clipboard.writeText(code.textContent);
        label.data = "Copied";
      } catch {
        getSelection().selectAllChildren(code);
        label.data = "Selected";
      }
      setTimeout(() => { label.data = "Copy"; }, 2000);
    });
  }

  const jobs = all("details.job");
  const expand = document.getElementById("expand");
  expand.addEventListener("click", () => {
    const open = expand.getAttribute("aria-pressed") !== "true";
    expand.setAttribute("aria-pressed", String(open));
    expand.textContent = open ? "Collapse all" : "Expand all";
    for (const details of [...jobs, ...all("#jobs details.more")]) details.open = open;
  });

  const search = document.getElementById("search");
  const nothing = document.getElementById("nothing");
  const find = () => {
    const wanted = search ? search.value.trim().toLowerCase() : "";
    let found = 0;
    for (const job of jobs) {
      const fits = job.dataset.name.includes(wanted);
      job.classList.toggle("elsewhere", !fits);
      found += fits;
    }
    for (const group of all("#jobs .group, #jobs details.more")) {
      group.classList.toggle("elsewhere", !group.querySelector("details.job:not(.elsewhere)"));
    }
    if (wanted) for (const more of all("#jobs details.more")) more.open = true;
    nothing.hidden = found > 0;
  };
  if (search) search.addEventListener("input", find);
  for (const choice of all("input[name=show]")) {
    choice.addEventListener("change", () => {
      if (choice.id !== "show-all") for (const more of all("#jobs details.more")) more.open = true;
    });
  }
})();
