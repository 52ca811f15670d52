// The frame of a tool that registers itself says when it may be closed
// (IMS LTI Dynamic Registration 1.0, section 3.7).
const frame = document.querySelector("iframe[data-closes-to]");

window.addEventListener("message", (event) => {
  if (event.source !== frame.contentWindow || event.origin !== frame.dataset.origin) return;
  if (event.data?.subject === "org.imsglobal.lti.close") location.assign(frame.dataset.closesTo);
});
