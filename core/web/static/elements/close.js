// <mp-close>: tells the LMS that opened this page that it may close it (LTI Dynamic Registration,
// section 3.7). The message holds no data of anybody's, so it may go to whichever origin opened us.
class Close extends HTMLElement {
  connectedCallback() {
    const opener = window.opener || (window.parent === window ? null : window.parent);
    opener?.postMessage({ subject: "org.imsglobal.lti.close" }, "*");
  }
}
customElements.define("mp-close", Close);
