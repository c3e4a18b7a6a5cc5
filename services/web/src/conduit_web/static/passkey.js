// Asks for a passkey before a form is sent that says so, and puts its answer into the form. A browser without passkeys, or
// without scripts, sends the form as it is, and the page that answers says what to do.
const form = document.querySelector("form[data-passkey]");
const trouble = document.getElementById("passkey-trouble");

function bytes(text) {
  return Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (each) => each.charCodeAt(0));
}

function text(buffer) {
  const raw = String.fromCharCode(...new Uint8Array(buffer));
  return btoa(raw).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

function known() {
  return form.dataset.known.split(" ").filter(Boolean).map((id) => ({ type: "public-key", id: bytes(id) }));
}

async function answer() {
  const { challenge, rp } = form.dataset;
  const asked = { challenge: bytes(challenge), rpId: rp, allowCredentials: known(), userVerification: "required" };
  const { rawId, response } = await navigator.credentials.get({ publicKey: asked });
  return {
    credential_id: text(rawId),
    authenticator_data: text(response.authenticatorData),
    client_data: text(response.clientDataJSON),
    signature: text(response.signature),
  };
}

async function make() {
  const { challenge, rp, desk, user, name, algorithms } = form.dataset;
  const asked = {
    challenge: bytes(challenge),
    rp: { id: rp, name: desk },
    user: { id: bytes(user), name, displayName: name },
    pubKeyCredParams: algorithms.split(" ").map((each) => ({ type: "public-key", alg: Number(each) })),
    authenticatorSelection: { userVerification: "required" },
    attestation: "none",
    excludeCredentials: known(),
  };
  const { rawId, response } = await navigator.credentials.create({ publicKey: asked });
  return { credential_id: text(rawId), client_data: text(response.clientDataJSON), attestation: text(response.attestationObject) };
}

let asking = false;

async function ask(event) {
  event.preventDefault();
  if (asking) return;
  asking = true;
  trouble.hidden = true;
  try {
    form.elements.passkey.value = JSON.stringify(await (form.dataset.passkey === "make" ? make() : answer()));
    form.submit();
  } catch {
    trouble.hidden = false;
    trouble.focus();
    asking = false;
  }
}

if (form && window.PublicKeyCredential) {
  document.getElementById("passkey-needs").hidden = true;
  form.addEventListener("submit", ask);
}
