// Keeps a watching page fresh: reloads it when something happened, unless somebody is typing.
const seq = Number(document.body.dataset.seq);
const chat = document.querySelector(".chat");
if (chat) chat.scrollTop = chat.scrollHeight;

const typing = () =>
  [...document.querySelectorAll("input:not([type=hidden]), select")].some((field) =>
    field === document.activeElement ||
    (field.type === "checkbox" ? field.checked !== field.defaultChecked
      : field.tagName === "SELECT" ? field.selectedIndex > 0 : field.value !== field.defaultValue)) ||
  document.querySelector("details[open]");

setInterval(async () => {
  if (document.hidden || typing()) return;
  try {
    const answer = await fetch("/pulse");
    if ((await answer.json()).seq !== seq && !typing()) location.reload();
  } catch {
    // The sandbox is restarting; the next beat tells.
  }
}, 1500);
