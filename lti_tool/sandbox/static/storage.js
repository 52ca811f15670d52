// Platform storage (LTI postMessage Storage): keeps short values for the tool in the frame as long
// as this page lives. data-tool is the only origin that is heard; data-keeps says whether values
// are kept here; data-frame names the frame that keeps them instead.
const { tool, keeps, frame } = document.currentScript.dataset;
const LONGEST = 4096;
const kept = new Map();

function answer(data) {
  if (data.subject === "lti.capabilities") {
    const there = ["lti.put_data", "lti.get_data"].map((subject) => (frame ? { subject, frame } : { subject }));
    return { supported_messages: [{ subject: "lti.capabilities" }, ...there] };
  }
  if (!keeps || !["lti.put_data", "lti.get_data"].includes(data.subject)) {
    return { error: { code: "unsupported_subject", message: "This page does not answer that." } };
  }
  const { key, value } = data;
  if (typeof key !== "string" || !key || !data.message_id) {
    return { error: { code: "bad_request", message: "key and message_id must be there." } };
  }
  if (data.subject === "lti.get_data") return { key, value: kept.get(key) ?? null };
  if (value === null || value === undefined) kept.delete(key);
  else if (typeof value !== "string" || value.length > LONGEST) {
    return { key, error: { code: "bad_request", message: "value must be a short text." } };
  } else kept.set(key, value);
  return { key, value };
}

addEventListener("message", ({ data, origin, source }) => {
  if (origin !== tool || typeof data?.subject !== "string") return;
  if (!data.subject.startsWith("lti.") || data.subject.endsWith(".response")) return;
  const said = { subject: `${data.subject}.response`, message_id: data.message_id, ...answer(data) };
  source.postMessage(said, origin);
});
