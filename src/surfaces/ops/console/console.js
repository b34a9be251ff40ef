import { callStream } from "./connect-stream.js";

const KEY = "parley.key";
const element = (id) => document.getElementById(id);
const storedKey = () => sessionStorage.getItem(KEY) ?? "";

function say(id, text, tone = "") {
  element(id).textContent = text;
  element(id).className = tone;
}

async function showGateway() {
  const front = await fetch("/", { headers: { accept: "application/json" } });
  element("version").textContent = (await front.json()).version;
  await showReadiness();
}

async function showReadiness() {
  try {
    const answer = await fetch("/readyz");
    say("ready", (await answer.json()).status, answer.ok ? "good" : "bad");
  } catch {
    say("ready", "not reachable", "bad");
  }
}

async function showModels() {
  element("models").replaceChildren();
  element("model-names").replaceChildren();
  if (storedKey() === "") {
    say("models-note", "Enter a key to see what it may use. It stays in this tab.");
    return;
  }
  const answer = await fetch("/v1/models", { headers: { authorization: `Bearer ${storedKey()}` } });
  const body = await answer.json();
  if (!answer.ok) {
    say("models-note", body.error?.message ?? `HTTP ${answer.status}`, "bad");
    return;
  }
  const names = body.data.map((model) => model.id);
  say("models-note", names.length === 1 ? "1 name" : `${names.length} names`);
  element("models").append(...names.map(modelItem));
  element("model-names").append(
    ...names.map((name) => Object.assign(document.createElement("option"), { value: name })),
  );
  if (element("model").value === "" && names.length > 0) element("model").value = names[0];
}

function modelItem(name) {
  const button = Object.assign(document.createElement("button"), { type: "button", textContent: name });
  // A route's name has no slash; a model's is provider/model.
  if (!name.includes("/")) button.className = "route";
  button.addEventListener("click", () => {
    element("model").value = name;
    element("prompt").focus();
  });
  const item = document.createElement("li");
  item.append(button);
  return item;
}

let running;

async function chat() {
  running?.abort();
  running = new AbortController();
  const { signal } = running;
  for (const id of ["answer", "reasoning", "origin", "result"]) say(id, "");
  element("reasoning-box").hidden = true;
  element("stop").disabled = false;
  const request = {
    model: element("model").value,
    messages: [{ role: "ROLE_USER", parts: [{ text: { text: element("prompt").value } }] }],
  };
  try {
    const messages = callStream("/parley.v1.ChatService/GenerateStream", { request }, { key: storedKey(), signal });
    for await (const message of messages) show(message.event);
  } catch (error) {
    if (signal.aborted) say("result", "stopped");
    else say("result", error.message, "bad");
  } finally {
    if (running?.signal === signal) element("stop").disabled = true;
  }
}

function show(event) {
  if (event.started) {
    const { provider, model } = event.started.origin ?? {};
    say("origin", `${provider}/${model} · ${event.started.id}`);
  } else if (event.blockDelta) {
    const { text, refusal, argumentsJson, reasoningText, reasoningSummary } = event.blockDelta;
    element("answer").append(text ?? refusal ?? argumentsJson ?? "");
    const thought = reasoningText ?? reasoningSummary;
    if (thought === undefined) return;
    element("reasoning-box").hidden = false;
    element("reasoning").append(thought);
  } else if (event.blockStarted?.part?.toolCall) {
    element("answer").append(`${event.blockStarted.part.toolCall.name} `);
  } else if (event.completed) {
    say("result", completedText(event.completed), "good");
  } else if (event.failed) {
    const { reason, message } = event.failed.error ?? {};
    say("result", `${reason}: ${message}`, "bad");
  }
}

function completedText({ usage = {}, cost, attempts = [] }) {
  const parts = ["complete"];
  if (usage.inputTokens !== undefined) parts.push(`${usage.inputTokens} tokens in`);
  if (usage.outputTokens !== undefined) parts.push(`${usage.outputTokens} out`);
  if (cost?.nanoUsd !== undefined) parts.push(`${Number(cost.nanoUsd) / 1e9} USD`);
  if (attempts.length > 1) parts.push(`${attempts.length} attempts`);
  return parts.join(" · ");
}

element("key-form").addEventListener("submit", (event) => {
  event.preventDefault();
  sessionStorage.setItem(KEY, element("key").value.trim());
  element("key").value = "";
  void showModels();
});
element("forget").addEventListener("click", () => {
  sessionStorage.removeItem(KEY);
  void showModels();
});
element("chat-form").addEventListener("submit", (event) => {
  event.preventDefault();
  void chat();
});
element("stop").addEventListener("click", () => running?.abort());
setInterval(showReadiness, 5000);
void showGateway();
void showModels();
