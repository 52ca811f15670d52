// <mp-upload data-url>: sends each chosen file at once, with progress; the form around it stays as it is.
// Sends the form's hidden fields (CSRF token, version) and the file under the input's own name.
class Upload extends HTMLElement {
  connectedCallback() {
    this.input = this.querySelector("input[type=file]");
    this.rows = this.querySelector("[data-rows]");
    this.template = this.querySelector("template");
    if (!this.input?.form) return;
    this.querySelector("[data-plain]").hidden = true;
    this.input.addEventListener("change", () => this.take([...this.input.files]));
    // Whoever was quicker than this script has chosen already, and no change will be told.
    if (this.input.files.length) this.take([...this.input.files]);
    this.addEventListener("dragover", (event) => event.preventDefault());
    this.addEventListener("drop", (event) => {
      event.preventDefault();
      const files = [...event.dataTransfer.files];
      this.take(this.input.multiple ? files : files.slice(0, 1));
    });
  }

  async take(files) {
    this.input.value = ""; // else the form would send them a second time
    // One after the other: a school's line carries one video at a time better than three.
    const jobs = files.map((file) => ({ file, row: this.row(file) }));
    const ask = (event) => event.preventDefault(); // leaving now would cut the upload off
    addEventListener("beforeunload", ask);
    for (const { file, row } of jobs) if (!row.dataset.over) await this.send(file, row);
    removeEventListener("beforeunload", ask);
  }

  row(file) {
    const row = this.template.content.firstElementChild.cloneNode(true);
    row.querySelector(".files__name").textContent = file.name;
    row.querySelector(".files__kind").textContent = this.kind(file.name);
    row.querySelector("progress").setAttribute("aria-label", file.name);
    row.querySelector("[data-stop]").addEventListener("click", () => this.stop(row));
    this.rows.hidden = false;
    this.rows.append(row);
    if (file.size > Number(this.dataset.max || Infinity)) {
      this.fault(row, this.dataset.large.replace("{size}", size(file.size)));
    }
    return row;
  }

  kind(name) {
    return name.includes(".") ? name.split(".").pop().slice(0, 4).toUpperCase() : "";
  }

  send(file, row) {
    const body = new FormData();
    for (const field of this.input.form.querySelectorAll("input[type=hidden]")) {
      body.append(field.name, field.value);
    }
    body.append(this.input.name, file);
    const request = new XMLHttpRequest();
    row.request = request;
    request.open("POST", this.dataset.url);
    request.setRequestHeader("Accept", "application/json");
    request.upload.addEventListener("progress", (event) => this.progress(row, event));
    return new Promise((resolve) => {
      request.addEventListener("load", () => resolve(this.answer(row, request)));
      request.addEventListener("error", () => resolve(this.fault(row, this.dataset.lost)));
      request.addEventListener("abort", () => resolve(this.fault(row, this.dataset.stopped)));
      request.send(body);
    });
  }

  progress(row, event) {
    if (!event.lengthComputable) return;
    row.querySelector("progress").value = (100 * event.loaded) / event.total;
    const all = event.loaded === event.total;
    const parts = `${size(event.loaded)} / ${size(event.total)}`;
    row.querySelector("[data-note]").textContent = all ? this.dataset.checking : parts;
  }

  answer(row, request) {
    let said = {};
    try {
      said = JSON.parse(request.responseText);
    } catch {} // a proxy's own page: the sentences below do
    if (request.status < 200 || request.status >= 300) {
      return this.fault(row, said.message || this.dataset.refused);
    }
    this.dispatchEvent(new CustomEvent("mp-uploaded", { bubbles: true, detail: said }));
    if (!said.row) return this.finish(row, this.dataset.done);
    const list = document.getElementById(this.dataset.into) ?? row.parentElement;
    list.insertAdjacentHTML("beforeend", said.row); // our own server's markup, escaped there
    row.remove();
    this.rows.hidden = !this.rows.children.length;
  }

  stop(row) {
    if (row.request) return row.request.abort();
    this.fault(row, this.dataset.stopped);
  }

  fault(row, message) {
    this.finish(row, message);
    const note = row.querySelector("[data-note]");
    note.className = "field__error";
    note.setAttribute("role", "alert");
  }

  finish(row, message) {
    row.dataset.over = "yes";
    row.querySelector("progress").remove();
    row.querySelector("[data-stop]").remove();
    row.querySelector("[data-note]").textContent = message;
  }
}

// As the server's own sentences write it: powers of 1000, one decimal under 10.
function size(bytes) {
  const [unit, count] =
    bytes < 999500 ? ["KB", bytes / 1e3] : bytes < 999.5e6 ? ["MB", bytes / 1e6] : ["GB", bytes / 1e9];
  return `${count.toFixed(count < 9.95 ? 1 : 0).replace(/\.0$/, "")} ${unit}`;
}
customElements.define("mp-upload", Upload);
